//! The process that loads a library: it answers over the socket that is its standard input, and lives no
//! longer than whoever began it.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::library::Library;
use super::protocol::{Answer, Refusal, Request};
use crate::failure::{Exit, Failure};
use crate::frames;

/// How often it is looked whether whoever began it is still there.
const TICK: Duration = Duration::from_secs(1);

/// Answers until nobody asks any more.
///
/// # Errors
/// Where standard input is no socket: it was not begun by a program of ours.
pub(crate) fn serve() -> Result<Exit, Failure> {
    let failed = |error: io::Error| {
        Failure::io("token-helper", &error).hint("the other commands begin it; it is of no use by itself")
    };
    let mut stream = socket().map_err(failed)?;
    dies_with_its_parent(&stream).map_err(failed)?;
    let mut library = None;
    // Whoever asked and is gone wants no answer.
    let _ = converse(&mut stream, &mut library);
    if let Some(library) = library {
        library.end();
    }
    Ok(Exit::Done)
}

/// Whoever began it closes the socket by ending, which a library that hangs does not see. The system's own
/// signal for this comes when the thread that began it ends, and an archive is opened by several.
fn dies_with_its_parent(stream: &UnixStream) -> io::Result<()> {
    let parent = rustix::net::sockopt::socket_peercred(stream)?.pid;
    thread::Builder::new().spawn(move || {
        while rustix::process::getppid() == Some(parent) {
            thread::sleep(TICK);
        }
        thread::sleep(TICK);
        // Without whatever a library wants to have done at the end, in which it may hang, too.
        std::process::abort();
    })?;
    Ok(())
}

/// The socket, from where a library that reads standard input will not find it.
fn socket() -> io::Result<UnixStream> {
    let stream = UnixStream::from(rustix::stdio::stdin().try_clone_to_owned()?);
    stream.peer_addr()?;
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    Ok(stream)
}

fn converse(stream: &mut UnixStream, library: &mut Option<Library>) -> io::Result<()> {
    while let Some(message) = frames::receive(stream)? {
        let answer = Request::decode(&message).map(|request| answer(library, &request));
        let answer = answer.ok_or(io::ErrorKind::InvalidData)?.unwrap_or_else(Answer::Refused);
        frames::send(stream, &answer.encode())?;
    }
    Ok(())
}

fn answer(library: &mut Option<Library>, request: &Request) -> Result<Answer, Refusal> {
    let Some(loaded) = library else {
        let Request::Load { library: path } = request else { return Err(not_now()) };
        *library = Some(Library::load(Path::new(OsStr::from_bytes(path)))?);
        return Ok(Answer::Done);
    };
    match request {
        Request::Load { .. } => Err(not_now()),
        Request::Tokens => loaded.tokens(),
        Request::Objects { serial } => loaded.objects(serial),
        Request::LogIn { serial, pin } => loaded.log_in(serial, pin.as_ref()),
        Request::Generate { serial, id, label, kind, signs } => {
            loaded.generate(serial, (id, label), *kind, *signs)
        }
        Request::KeepCertificate { serial, id, certificate } => {
            loaded.keep_certificate(serial, id, certificate)
        }
        Request::Use { serial, id, operation } => loaded.use_key(serial, id, operation),
    }
}

fn not_now() -> Refusal {
    Refusal::Failed("a library is loaded once, and first".to_owned())
}
