//! Decides whether PHP would replace a bare word with a constant's value.

/// The beginnings, up to the first underscore, of constants that contain one: those of PHP's core and of
/// the extensions that the command-line packages of Debian and OpenWrt load by default. Constants that
/// begin with `CURL` need no entry.
const FAMILIES: &str = "\
    ABDAY ABMON AF AI ALT AM ARRAY ASSERT BUS CAL CASE CHAR CLD CLONE CONNECTION COUNT \
    CREDITS CRYPT CURRENCY D DATE DAY DEBUG DECIMAL DEFAULT DIRECTORY DNS E ENT ERA EXIF \
    EXTR FILE FILEINFO FILTER FNM FORCE FPE FRAC FTP GLOB HASH HTML ICONV ILL IMAGETYPE \
    INFO INI INPUT INT IP IPPROTO IPV6 JSON LC LIBXML LOCK LOG M MB MCAST MHASH MON MSG \
    MT MYSQLI N NEGATIVE OPENSSL P PASSWORD PATH PATHINFO PCNTL PCRE PEAR PHP PKCS7 PM \
    POLL POSITIVE POSIX PREG PRIO PSFS READLINE SCANDIR SCM SEEK SEGV SI SIG SKF SO SOCK \
    SOCKET SODIUM SOL SORT STR STREAM SUNFUNCS T TCP THOUSANDS TOKEN TRAP UPLOAD X509 \
    XML ZEND ZLIB";

/// The constants without an underscore, except for signals.
const WORDS: &str = "CODESET CRNCYSTR ERA GROUPING INF NAN NOEXPR NOSTR RADIXCHAR SOMAXCONN STDERR \
    STDIN STDOUT THOUSEP WCONTINUED WNOHANG WUNTRACED YESEXPR YESSTR";

/// Whether a word looks like one of PHP's constants. The extensions of an installation decide which
/// constants exist, so that this goes by families and may warn too often.
pub(super) fn is_likely(word: &[u8]) -> bool {
    let Ok(word) = core::str::from_utf8(word) else {
        return false;
    };
    match word.split_once('_') {
        // Most have capitals alone; `STREAM_CRYPTO_METHOD_SSLv2_CLIENT` does not.
        Some((family, name)) => {
            !name.starts_with(|c: char| c.is_ascii_lowercase())
                && (family.starts_with("CURL") || holds(FAMILIES, family))
        }
        None => holds(WORDS, word) || is_signal(word),
    }
}

/// Whether a word looks like `SIGHUP`.
fn is_signal(word: &str) -> bool {
    word.strip_prefix("SIG").is_some_and(|name| {
        (2..=6).contains(&name.len())
            && name
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    })
}

fn holds(list: &str, word: &str) -> bool {
    list.split_ascii_whitespace().any(|known| known == word)
}
