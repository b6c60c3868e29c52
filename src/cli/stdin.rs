//! A log's message from standard input.

use std::io::Read;
use std::sync::mpsc;
use std::time::Duration;

use crate::model::{Code, Problem};
use crate::service::MAX_MESSAGE_BYTES;

/// For how long standard input may say nothing. Whoever starts a process may leave a pipe open to which nobody ever
/// writes, and an agent must not wait for that.
const SILENCE: Duration = Duration::from_secs(10);

/// All that comes on standard input, as it is; `None` where nothing is piped in. What is not UTF-8 becomes U+FFFD.
///
/// # Errors
/// More bytes than a message may have, or an input that stays open and silent.
pub(super) fn message() -> Result<Option<String>, Problem> {
    if is_piped() { read(std::io::stdin(), SILENCE).map(Some) } else { Ok(None) }
}

/// A terminal and `/dev/null` are devices of characters: nobody has put a message there.
#[cfg(unix)]
fn is_piped() -> bool {
    use std::os::fd::AsFd;
    use std::os::unix::fs::FileTypeExt;
    let stdin = std::io::stdin().as_fd().try_clone_to_owned();
    let kind = stdin.and_then(|stdin| std::fs::File::from(stdin).metadata()).map(|about| about.file_type());
    kind.is_ok_and(|kind| kind.is_file() || kind.is_fifo() || kind.is_socket())
}

#[cfg(not(unix))]
fn is_piped() -> bool {
    !std::io::IsTerminal::is_terminal(&std::io::stdin())
}

/// Reads on a thread of its own, which nothing can wake from a pipe that is silent.
fn read(mut source: impl Read + Send + 'static, silence: Duration) -> Result<String, Problem> {
    let (pieces, arriving) = mpsc::channel();
    std::thread::spawn(move || {
        let mut piece = vec![0; 16 * 1024];
        loop {
            match source.read(&mut piece) {
                Ok(0) => return,
                Ok(length) => {
                    let read = piece.get(..length).unwrap_or_default().to_vec();
                    if pieces.send(Ok(read)).is_err() {
                        return;
                    }
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => {
                    pieces.send(Err(error)).ok();
                    return;
                }
            }
        }
    });
    let mut message = Vec::new();
    loop {
        match arriving.recv_timeout(silence) {
            Ok(Ok(piece)) => message.extend(piece),
            Ok(Err(error)) => {
                let unreadable = Problem::invalid("message", "`message` can't be read from standard input");
                return Err(unreadable.caused_by(error));
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                return Ok(String::from_utf8_lossy(&message).into_owned());
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {
                let silent = "`message` is missing: standard input is open, and nothing comes";
                return Err(Problem::invalid("message", silent).hint("give it, or close standard input"));
            }
        }
        if message.len() > MAX_MESSAGE_BYTES {
            let more = format!("`message` has more than {MAX_MESSAGE_BYTES} bytes");
            let problem = Problem::new(Code::FieldTooLarge, more).at("message");
            return Err(problem.limited_to(MAX_MESSAGE_BYTES as u64));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn it_is_taken_whole_and_untrimmed_up_to_its_limit() {
        assert_eq!(read(Cursor::new("  a\nb\n"), LONG).unwrap(), "  a\nb\n");
        assert_eq!(read(Cursor::new(b"a\xffb"), LONG).unwrap(), "a\u{fffd}b");
        let most = "x".repeat(MAX_MESSAGE_BYTES);
        assert_eq!(read(Cursor::new(most.clone()), LONG).unwrap().len(), MAX_MESSAGE_BYTES);
        let problem = read(Cursor::new(most + "x"), LONG).unwrap_err();
        assert_eq!((problem.code, problem.limit), (Code::FieldTooLarge, Some(262_144)));
    }

    #[test]
    fn an_input_without_end_is_refused_as_soon_as_it_is_too_long() {
        assert_eq!(read(std::io::repeat(b'x'), LONG).unwrap_err().code, Code::FieldTooLarge);
    }

    #[test]
    fn an_input_that_stays_open_and_silent_is_not_waited_for() {
        let (reader, writer) = std::io::pipe().unwrap();
        let problem = read(reader, Duration::from_millis(1)).unwrap_err();
        assert!(problem.message.contains("standard input is open"), "{problem}");
        drop(writer);
    }
}
