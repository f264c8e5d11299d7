//! The programs of Counterseal.
//!
//! Each command loads, asks the library, and renders: what is typed is in `args`, what a person
//! reads is in `render`, and everything that is decided is decided in `counterseal-core`.

mod account;
mod agent;
mod args;
mod armor;
mod children;
mod clock;
mod commands;
mod config;
mod failure;
mod files;
mod frames;
mod hardening;
mod lookup;
mod pairing;
mod passphrase;
mod places;
mod policy;
mod queue;
mod randomness;
mod relay_config;
mod render;
mod revocation;
mod scan;
mod sealed;
mod sendmail;
mod smtp;
mod socks;
mod sources;
mod spool;
mod store;
mod sync_places;
mod system;
mod terminal;
mod token;
mod tools;
mod trust_file;

use std::process::ExitCode;

use clap::Parser;

use failure::Exit;

/// Runs `cseal` with the arguments of this process, and says how it went (0, 1, 2, 3, 4, 70).
#[must_use]
pub fn cseal() -> ExitCode {
    let mut arguments = std::env::args_os();
    let program = arguments.next().unwrap_or_default();
    if sendmail::is_named_by(program.as_encoded_bytes()) {
        return sendmail::run(program, arguments);
    }
    let mut arguments = arguments.peekable();
    if arguments.peek().is_some_and(|command| command == "sendmail") {
        return sendmail::run("cseal-sendmail".into(), arguments.skip(1));
    }
    hardening::apply();
    std::panic::set_hook(Box::new(render::failure::panic));
    // A panic is our bug, and has an exit code of its own.
    let exit = std::panic::catch_unwind(run).unwrap_or(Exit::Bug);
    ExitCode::from(exit.code())
}

/// Runs `cseal-sendmail` with the arguments of this process; the exit codes are those of `sysexits.h`.
#[must_use]
pub fn sendmail() -> ExitCode {
    let mut arguments = std::env::args_os();
    let program = arguments.next().unwrap_or_default();
    sendmail::run(program, arguments)
}

fn run() -> Exit {
    let cli = match args::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return render::failure::command_line(&error),
    };
    terminal::choose_color(cli.global.color);
    if cli.global.offline {
        lookup::forbid();
    }
    match hardening::refuse_set_id().and_then(|()| commands::run(&cli)) {
        Ok(exit) => exit,
        Err(failure) => {
            render::failure::show(&failure, commands::report(&cli.command), cli.global.verbose > 0);
            failure.exit
        }
    }
}
