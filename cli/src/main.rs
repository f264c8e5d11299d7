//! The program `cseal`.

fn main() -> std::process::ExitCode {
    counterseal_cli::cseal()
}
