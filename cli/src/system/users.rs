//! Who has an account on this machine (passwd(5)).

use std::path::Path;

use crate::failure::Failure;
use crate::files::read_file;

const FILE: &str = "/etc/passwd";
const FILE_BYTES: usize = 16 << 20;

/// One user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) number: u32,
    pub(crate) group: u32,
}

/// All of them. Those whom only a directory service knows are not among them.
pub(crate) fn all() -> Result<Vec<User>, Failure> {
    let text = read_file(Path::new(FILE), FILE_BYTES)?;
    Ok(String::from_utf8_lossy(&text).lines().filter_map(user).collect())
}

fn user(line: &str) -> Option<User> {
    let mut fields = line.split(':');
    let name = fields.next().filter(|name| !name.is_empty())?.to_owned();
    let mut numbers = fields.skip(1);
    Some(User { name, number: numbers.next()?.parse().ok()?, group: numbers.next()?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_user_or_nothing() {
        let www = User { name: "www-data".to_owned(), number: 33, group: 33 };
        assert_eq!(user("www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin"), Some(www));
        for line in ["", "+::::::", "root", "root:x", "root:x:0", "a:x:b:0:::", ":x:1:1:::", "a:x:-1:0:::"] {
            assert_eq!(user(line), None, "{line}");
        }
    }
}
