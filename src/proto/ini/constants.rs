//! A bare word → whether PHP would put a constant's value in its place.

/// Constants with an underscore, by what stands before the first one: those of PHP's core and of
/// the extensions that Debian's and OpenWrt's packages of the command line load by default.
const FAMILIES: &str = " ABDAY AF AI ALT AM ARRAY ASSERT BUS CAL CASE CHAR CLD CLONE CONNECTION \
    COUNT CREDITS CRYPT CURL CURLALTSVC CURLAUTH CURLE CURLFTP CURLFTPAUTH CURLFTPMETHOD CURLFTPSSL \
    CURLGSSAPI CURLHEADER CURLHSTS CURLINFO CURLM CURLMOPT CURLMSG CURLOPT CURLPAUSE CURLPIPE \
    CURLPROTO CURLPROXY CURLPX CURLSHOPT CURLSSH CURLSSLOPT CURLUSESSL CURLVERSION CURRENCY D DATE \
    DAY DEBUG DECIMAL DEFAULT DIRECTORY DNS E ENT ERA EXIF EXTR FILE FILEINFO FILTER FNM FORCE FPE \
    FRAC FTP GLOB HASH HTML ICONV ILL IMAGETYPE INFO INI INPUT INT IP IPPROTO IPV6 JSON LC LIBXML \
    LOCK LOG M MB MCAST MHASH MON MSG MT MYSQLI N NEGATIVE OPENSSL P PASSWORD PATH PATHINFO PCNTL \
    PCRE PEAR PHP PKCS7 PM POLL POSITIVE POSIX PREG PRIO PSFS READLINE SCANDIR SCM SEEK SEGV SI SIG \
    SKF SO SOCK SOCKET SODIUM SOL SORT STR STREAM SUNFUNCS T TCP THOUSANDS TOKEN TRAP UPLOAD X509 \
    XML ZEND ZLIB ";

/// Constants without one. Those of signals and months are matched by their beginning.
const WORDS: &str = " CODESET CRNCYSTR GROUPING INF NAN NOEXPR NOSTR RADIXCHAR SOMAXCONN STDERR \
    STDIN STDOUT THOUSEP WCONTINUED WNOHANG WUNTRACED YESEXPR YESSTR ";

/// Whether a word looks like one of PHP's constants. Which there are depends on the extensions of
/// an installation, so that this goes by families and can err on the side of a warning.
pub(super) fn is_likely(word: &[u8]) -> bool {
    let Ok(word) = std::str::from_utf8(word) else {
        return false;
    };
    if !word
        .bytes()
        .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    {
        return false;
    }
    match word.split_once('_') {
        Some((family, name)) => !name.is_empty() && holds(FAMILIES, family),
        None => holds(WORDS, word) || is_numbered(word),
    }
}

/// `SIGHUP`; the other families of this kind (`ABDAY_1`) have an underscore.
fn is_numbered(word: &str) -> bool {
    word.strip_prefix("SIG")
        .is_some_and(|signal| (2..=6).contains(&signal.len()))
}

fn holds(list: &str, word: &str) -> bool {
    list.split_ascii_whitespace().any(|known| known == word)
}
