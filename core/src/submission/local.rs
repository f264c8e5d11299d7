//! Names without a domain: who they are on this machine.

use super::SubmissionError;
use super::aliases::{Aliases, is_action};
use crate::address::{EmailAddress, KeyDemand, StrongAddress};
use crate::limits::{ALIAS_DEPTH, SUBMITTED_RECIPIENTS};
use crate::mail::parse_submitted_list;

/// The domain of a name that has none, until it is known whose it is.
pub(super) const LOCAL_DOMAIN: &str = "localhost";

/// What is known of names without a domain.
#[derive(Clone, Debug, Default)]
pub struct Local {
    /// Who is behind which name.
    pub aliases: Aliases,
    /// The domain of names that are in no table; without one they mean nobody.
    pub domain: Option<String>,
    /// Names of this machine: an address in one of them is as good as a name.
    pub hosts: Vec<String>,
    /// The user who calls, and their address.
    pub user: Option<(String, EmailAddress)>,
}

impl Local {
    /// Whether an address is a name of this machine.
    #[must_use]
    pub fn is_local(&self, address: &EmailAddress) -> bool {
        address.domain() == LOCAL_DOMAIN
            || self.hosts.iter().any(|host| address.domain().eq_ignore_ascii_case(host))
    }

    /// Whom an address means, aliases followed.
    ///
    /// # Errors
    /// [`SubmissionError`] for a name that means nobody, and for an alias that is no list of addresses.
    pub fn people(&self, recipient: &StrongAddress) -> Result<Vec<StrongAddress>, SubmissionError> {
        let mut found = Vec::new();
        self.resolve(recipient, &mut found)?;
        Ok(found)
    }

    /// As [`Local::people`], beside those who were found before.
    pub(super) fn resolve(
        &self,
        recipient: &StrongAddress,
        found: &mut Vec<StrongAddress>,
    ) -> Result<(), SubmissionError> {
        self.follow(recipient, found, ALIAS_DEPTH)
    }

    fn follow(
        &self,
        recipient: &StrongAddress,
        found: &mut Vec<StrongAddress>,
        depth: usize,
    ) -> Result<(), SubmissionError> {
        if found.len() >= SUBMITTED_RECIPIENTS {
            return Err(SubmissionError::TooManyRecipients);
        }
        let StrongAddress { address, demand } = recipient;
        if !self.is_local(address) {
            found.push(recipient.clone());
            return Ok(());
        }
        let name = address.local_part();
        let Some(value) = self.aliases.get(name.trim_matches('"')) else {
            let address = self.without_alias(name)?;
            found.push(StrongAddress { address, demand: demand.clone() });
            return Ok(());
        };
        let wrong = || SubmissionError::Alias(name.to_owned());
        // Whoever names the key of one person cannot mean those of a list.
        if depth == 0 || is_action(value) || *demand != KeyDemand::None {
            return Err(wrong());
        }
        let (_, targets) = parse_submitted_list(value.as_bytes(), LOCAL_DOMAIN).map_err(|_| wrong())?;
        for target in &targets {
            // An alias that names itself is the user of that name, as with other programs.
            if target.address.matches(address) && target.address.domain() == LOCAL_DOMAIN {
                let address = self.without_alias(name)?;
                found.push(StrongAddress { address, demand: KeyDemand::None });
            } else {
                self.follow(target, found, depth - 1)?;
            }
        }
        Ok(())
    }

    fn without_alias(&self, name: &str) -> Result<EmailAddress, SubmissionError> {
        if let Some((_, address)) = self.user.as_ref().filter(|(user, _)| user == name) {
            return Ok(address.clone());
        }
        let nobody = || SubmissionError::NoDomain(name.to_owned());
        let domain = self.domain.as_ref().ok_or_else(nobody)?;
        EmailAddress::parse(&format!("{name}@{domain}")).map_err(|_| nobody())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn local(aliases: &str, domain: Option<&str>) -> Local {
        Local {
            aliases: Aliases::parse(aliases).unwrap(),
            domain: domain.map(str::to_owned),
            hosts: vec!["host.example.org".to_owned()],
            user: Some(("alice".to_owned(), EmailAddress::parse("alice@example.org").unwrap())),
        }
    }

    fn resolved(local: &Local, address: &str) -> Result<String, SubmissionError> {
        let mut found = Vec::new();
        local.resolve(&StrongAddress::parse(address).unwrap(), &mut found)?;
        Ok(found.iter().map(|strong| strong.address.to_string()).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn a_name_is_an_alias_then_the_user_then_of_the_domain() {
        let table = "root: alice, Bob <bob@example.org>\npostmaster: root\nalice: alice, carol@example.org\n";
        let here = local(table, Some("example.net"));
        for (address, people) in [
            ("root@localhost", "alice@example.org carol@example.org bob@example.org"),
            ("postmaster@host.example.org", "alice@example.org carol@example.org bob@example.org"),
            ("dave@localhost", "dave@example.net"),
            ("root@example.org", "root@example.org"),
        ] {
            assert_eq!(resolved(&here, address).as_deref(), Ok(people), "{address}");
        }
        let nobody = Err(SubmissionError::NoDomain("dave".to_owned()));
        assert_eq!(resolved(&local("", None), "dave@localhost"), nobody);
        assert_eq!(resolved(&local("", None), "alice@localhost").unwrap(), "alice@example.org");
    }

    #[test]
    fn an_alias_that_is_no_list_of_addresses_is_refused() {
        for table in ["a: /dev/null", "a: \"|/bin/sh\"", "a: :include:/x", "a: b\nb: a", "a: bad@@x", "a:"] {
            let refused =
                Err(SubmissionError::Alias(if table.contains("b: a") { "b" } else { "a" }.to_owned()));
            let found = resolved(&local(table, Some("x")), "a@localhost");
            assert!(
                found == refused || matches!(found, Err(SubmissionError::Alias(_))),
                "{table}: {found:?}"
            );
        }
    }

    #[test]
    fn aliases_do_not_grow_without_end() {
        let wide = |name: char, next: char| {
            format!("{name}: {}\n", (0..200).map(|_| next.to_string()).collect::<Vec<_>>().join(","))
        };
        let table = [wide('a', 'b'), wide('b', 'c'), wide('c', 'd')].concat();
        let refused = resolved(&local(&table, Some("example.org")), "a@localhost");
        assert_eq!(refused, Err(SubmissionError::TooManyRecipients));
    }
}
