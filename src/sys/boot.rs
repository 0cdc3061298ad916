//! The system's own name for this start of it (`random(4)`), which another start does not have.

use std::path::Path;

use crate::sys::files::{self, Links};

/// 36 letters, digits and `-`; `None` where the system does not say.
pub fn id() -> Option<String> {
    let path = Path::new("/proc/sys/kernel/random/boot_id");
    let bytes = files::read(path, BOOT_BYTES_MAX, Links::Refuse).ok()?;
    let text = str::from_utf8(bytes.trim_ascii()).ok()?;
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    Some(text.to_owned()).filter(|text| !text.is_empty() && text.bytes().all(fits))
}

/// 36 and a newline, in truth.
const BOOT_BYTES_MAX: usize = 64;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_start_of_the_system_has_one_name() {
        let name = id().unwrap();
        assert_eq!(name.len(), 36, "{name}");
        assert_eq!(id(), Some(name));
    }
}
