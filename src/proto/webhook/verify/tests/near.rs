//! Checks that an accepted request is refused after every small change.

use super::*;

/// A request with its proof, and the parts that the proof covers.
#[derive(Clone)]
pub(super) struct Sample {
    pub(super) credentials: Credentials,
    /// The value of `public_url`; empty if there is none.
    pub(super) public_url: String,
    pub(super) method: &'static str,
    pub(super) target: String,
    /// The content type, which is no part of the proof.
    pub(super) content_type: &'static str,
    /// The proof's header fields.
    pub(super) fields: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
    pub(super) now_s: u64,
    pub(super) coverage: Coverage,
    /// Whether the target is signed.
    pub(super) url: Signed,
    /// Whether each byte of the body is signed.
    pub(super) all_of_body: Signed,
    pub(super) time: Time,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Signed {
    Yes,
    No,
}

/// The times at which a request is accepted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Time {
    /// The request is accepted at any time.
    Always,
    /// The request is accepted from the first second to the second, both included.
    Between(u64, u64),
}

impl Sample {
    pub(super) fn judge_at(&self, now_s: Option<u64>) -> Result<Coverage, Denied> {
        let mut fields = vec![("Content-Type", self.content_type)];
        let proof = self
            .fields
            .iter()
            .map(|(name, value)| (*name, value.as_str()));
        fields.extend(proof);
        let request = request(self.method, &self.target, &fields, &self.body);
        let public_url = PublicUrl::parse(&self.public_url);
        check(&self.credentials, public_url.as_ref(), &request, now_s)
    }

    pub(super) fn judge(&self) -> Result<Coverage, Denied> {
        self.judge_at(Some(self.now_s))
    }

    #[track_caller]
    pub(super) fn refused(&self, what: &str) {
        let name = self.credentials.scheme.name;
        assert_eq!(self.judge(), Err(Denied::Wrong), "{name}: {what}");
    }

    fn with(&self, change: impl FnOnce(&mut Sample)) -> Sample {
        let mut changed = self.clone();
        change(&mut changed);
        changed
    }

    /// Checks that the request is accepted as it is, and refused if anything in it differs.
    #[track_caller]
    pub(super) fn check(&self) {
        let name = self.credentials.scheme.name;
        assert_eq!(self.judge(), Ok(self.coverage.clone()), "{name}");
        self.check_fields();
        self.check_target();
        self.check_body();
        self.check_time();
    }

    fn check_fields(&self) {
        for at in 0..self.fields.len() {
            let name = self.fields[at].0;
            self.with(|s| drop(s.fields.remove(at))).refused(name);
            self.with(|s| s.fields[at].1.clear()).refused(name);
            let twice = |s: &mut Sample| s.fields.push(s.fields[at].clone());
            self.with(twice).refused(&format!("{name} twice"));
            for (byte, value) in changed(self.fields[at].1.as_bytes())
                .into_iter()
                .enumerate()
            {
                let Ok(value) = String::from_utf8(value) else {
                    continue;
                };
                let what = format!("{name}, byte {byte}: {value}");
                self.with(|s| s.fields[at].1 = value).refused(&what);
            }
        }
    }

    fn check_target(&self) {
        for target in changed(self.target.as_bytes()) {
            let what = String::from_utf8_lossy(&target).into_owned();
            let changed = self.with(|s| s.target.clone_from(&what));
            match self.url {
                Signed::Yes => changed.refused(&what),
                Signed::No => assert_eq!(changed.judge(), Ok(self.coverage.clone()), "{what}"),
            }
        }
        if self.credentials.scheme.covers == Covers::Url {
            for (from, to) in [("https://", "http://"), ("://", "://x"), ("https", "HTTPS")] {
                let url = self.public_url.replacen(from, to, 1);
                self.with(|s| s.public_url = url).refused("public_url");
            }
            self.with(|s| s.public_url.clear()).refused("no public_url");
        }
    }

    fn check_body(&self) {
        if self.all_of_body == Signed::No {
            return;
        }
        for body in changed(&self.body) {
            let what = String::from_utf8_lossy(&body).into_owned();
            self.with(|s| s.body = body).refused(&what);
        }
    }

    fn check_time(&self) {
        let Time::Between(first_s, last_s) = self.time else {
            assert_eq!(self.judge_at(None), Ok(self.coverage.clone()));
            return;
        };
        assert_eq!(self.judge_at(None), Err(Denied::Clock));
        let rows = [
            (0, false),
            (first_s - 1, false),
            (first_s, true),
            (first_s + 1, true),
            (last_s - 1, true),
            (last_s, true),
            (last_s + 1, false),
            (u64::MAX, false),
        ];
        for (now_s, accepted) in rows {
            let found = self.judge_at(Some(now_s));
            let expected = match accepted {
                true => Ok(self.coverage.clone()),
                false => Err(Denied::Wrong),
            };
            assert_eq!(
                found, expected,
                "{} at {now_s}",
                self.credentials.scheme.name
            );
        }
        // A request with a wrong signature must not reveal what the clock says.
        let mut forged = self.clone();
        let last = forged.fields.last_mut();
        let last = last.map_or(&mut forged.target, |(_, value)| value);
        last.push('0');
        if !forged.fields.is_empty() {
            assert_eq!(forged.judge_at(None), Err(Denied::Wrong));
        }
    }
}

/// Returns variants: each byte with its lowest bit changed, one byte more, and one byte less.
fn changed(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = (0..bytes.len())
        .map(|at| {
            let mut changed = bytes.to_vec();
            changed[at] ^= 1;
            changed
        })
        .collect();
    all.push([bytes, b"0"].concat());
    all.push([b"0", bytes].concat());
    if !bytes.is_empty() {
        all.push(bytes[1..].to_vec());
        all.push(bytes[..bytes.len() - 1].to_vec());
    }
    all
}
