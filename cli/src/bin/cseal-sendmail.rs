//! The program `cseal-sendmail`.

fn main() -> std::process::ExitCode {
    counterseal_cli::sendmail()
}
