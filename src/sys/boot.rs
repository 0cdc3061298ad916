//! Reads the system's identifier of its present start (`random(4)`), which differs between starts.

use std::path::Path;

use crate::sys::files::{self, Links};

/// Returns 36 letters, digits and `-`; `None` if the system does not tell.
pub fn id() -> Option<String> {
    let path = Path::new("/proc/sys/kernel/random/boot_id");
    let bytes = files::read(path, BOOT_BYTES_MAX, Links::Refuse).ok()?;
    let text = str::from_utf8(bytes.trim_ascii()).ok()?;
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    Some(text.to_owned()).filter(|text| !text.is_empty() && text.bytes().all(fits))
}

/// The real length is 36 bytes and a newline.
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
