//! Reading a code that another device shows: from a picture, through a camera.

use std::env;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use counterseal_keysync::limits::PICTURE_BYTES;
use counterseal_keysync::qr::{Frame, read_frame, read_picture};

use crate::children;
use crate::failure::Failure;

/// What the camera is asked for.
const WIDTH: u32 = 1280;
const HEIGHT: u32 = 720;
/// The first camera of the machine.
const CAMERA: &str = "/dev/video0";

/// The first text in a picture that `accept` takes.
pub(crate) fn from_picture<T>(path: &Path, accept: impl Fn(&str) -> Option<T>) -> Result<T, Failure> {
    let failed = |error: &io::Error| Failure::io(path.display().to_string(), error);
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| failed(&error))?;
    file.take(PICTURE_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    let texts = read_picture(&bytes)
        .map_err(|error| Failure::unknown("no-code", format!("{}: {error}", path.display())))?;
    texts.iter().find_map(|text| accept(text)).ok_or_else(|| {
        Failure::unknown("no-code", format!("{} shows no code that is meant for this", path.display()))
            .hint("take the picture again, nearer and without glare; or use words")
    })
}

/// The first text before the camera that `accept` takes, within a time.
pub(crate) fn from_camera<T>(time: Duration, accept: impl Fn(&str) -> Option<T>) -> Result<T, Failure> {
    let program = on_path("ffmpeg").filter(|_| Path::new(CAMERA).exists()).ok_or_else(|| {
        Failure::unknown("no-camera", "there is no camera, or no ffmpeg to look through it")
            .hint("take a picture and name it with --image FILE, paste the text, or use words")
    })?;
    look_through(&program, time, accept)
}

fn look_through<T>(program: &Path, time: Duration, accept: impl Fn(&str) -> Option<T>) -> Result<T, Failure> {
    let until = Instant::now() + time;
    let mut camera = Camera::start(program).map_err(|error| Failure::io("ffmpeg", &error))?;
    let frames = camera.frames();
    loop {
        match frames.recv_timeout(until.saturating_duration_since(Instant::now())) {
            // A frame that cannot be read is one of many.
            Ok(frame) => {
                if let Some(found) =
                    read_frame(frame).unwrap_or_default().iter().find_map(|text| accept(text))
                {
                    return Ok(found);
                }
            }
            Err(RecvTimeoutError::Timeout) => {
                return Err(Failure::unknown("no-code", "the camera saw no code that is meant for this"));
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::unknown("no-camera", "the camera gives no pictures"));
            }
        }
    }
}

/// ffmpeg, until this is dropped.
struct Camera(Child);

impl Camera {
    fn start(program: &Path) -> io::Result<Self> {
        let size = format!("{WIDTH}x{HEIGHT}");
        let filter = format!("scale={WIDTH}:{HEIGHT},format=gray");
        Command::new(program)
            .args(["-nostdin", "-hide_banner", "-loglevel", "error", "-f", "v4l2", "-video_size", &size])
            .args(["-i", CAMERA, "-vf", &filter, "-r", "5", "-f", "rawvideo", "-pix_fmt", "gray", "-"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map(Self)
    }

    /// Pictures as they come; those that come while one is looked at are passed over.
    fn frames(&mut self) -> Receiver<Frame> {
        let (sender, receiver) = mpsc::sync_channel(1);
        if let Some(stdout) = self.0.stdout.take() {
            thread::spawn(move || pass_on(stdout, &sender));
        }
        receiver
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        children::stop(&mut self.0);
    }
}

fn pass_on(mut stdout: impl Read, sender: &SyncSender<Frame>) {
    loop {
        let mut pixels = vec![0; (WIDTH * HEIGHT) as usize];
        if stdout.read_exact(&mut pixels).is_err() {
            return;
        }
        let frame = Frame { width: WIDTH, height: HEIGHT, pixels };
        if let Err(mpsc::TrySendError::Disconnected(_)) = sender.try_send(frame) {
            return;
        }
    }
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use counterseal_keysync::qr::{Code, Correction};

    use super::*;

    fn ours(text: &str) -> Option<String> {
        text.strip_prefix("CSEAL:").map(str::to_owned)
    }

    /// A camera that shows grey twice, then what `picture` holds, and then grey without end.
    fn camera(directory: &Path, frame: &[u8]) -> PathBuf {
        fs::write(directory.join("frame"), frame).unwrap();
        let grey = format!("head -c {} /dev/zero", WIDTH * HEIGHT);
        let script = directory.join("ffmpeg");
        let at = directory.display();
        fs::write(
            &script,
            format!(
                "#!/bin/sh\n{grey}; sleep 0.3; {grey}; sleep 0.3; while cat {at}/frame; do sleep 0.2; done\n"
            ),
        )
        .unwrap();
        fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
        script
    }

    fn frame_with(text: &str) -> Vec<u8> {
        let code = Code::of(text, Correction::Medium).unwrap();
        let mut pixels = vec![255; (WIDTH * HEIGHT) as usize];
        for y in 0..code.width() * 8 {
            for x in 0..code.width() * 8 {
                if code.is_dark(x / 8, y / 8) {
                    pixels[(y + 100) * WIDTH as usize + x + 300] = 0;
                }
            }
        }
        pixels
    }

    #[test]
    fn a_camera_is_looked_through_until_a_code_is_there() {
        let directory = tempfile::tempdir().unwrap();
        let program = camera(directory.path(), &frame_with("CSEAL:ABCD"));
        assert_eq!(look_through(&program, Duration::from_secs(60), ours).unwrap(), "ABCD");
        let other = camera(directory.path(), &frame_with("HTTPS://EXAMPLE.ORG"));
        let began = Instant::now();
        assert_eq!(look_through(&other, Duration::from_secs(2), ours).unwrap_err().word, "no-code");
        assert!(began.elapsed() < Duration::from_secs(40));
        fs::write(directory.path().join("ffmpeg"), "#!/bin/sh\nexit 1\n").unwrap();
        assert_eq!(look_through(&program, Duration::from_secs(9), ours).unwrap_err().word, "no-camera");
    }

    #[test]
    fn a_picture_gives_the_code_that_is_meant() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("shot.png");
        fs::write(&path, Code::of("CSEAL:ABCD", Correction::Medium).unwrap().png(4).unwrap()).unwrap();
        assert_eq!(from_picture(&path, ours).unwrap(), "ABCD");
        fs::write(&path, Code::of("OTHER", Correction::Medium).unwrap().png(4).unwrap()).unwrap();
        assert_eq!(from_picture(&path, ours).unwrap_err().word, "no-code");
        fs::write(&path, "no picture").unwrap();
        assert_eq!(from_picture(&path, ours).unwrap_err().word, "no-code");
    }
}
