//! Tests the credentials of requests and of webhooks.

use super::*;

#[test]
fn outbound_credentials() {
    fn check(lines: &str, expected: Result<&str, (u32, &str)>) {
        let text = format!("[websms]\nhost = https://h\n{lines}\n");
        match expected {
            Ok(expected) => {
                let config = config(&text);
                assert_eq!(
                    show_auth(&config.outgoing[0].account.auth),
                    expected,
                    "{lines}"
                );
            }
            Err((line, words)) => check_fault(&text, line, words),
        }
    }
    check("", Ok("basic  "));
    check("auth_user =\nauth_passwd =", Ok("basic  "));
    check("auth_user = u\nauth_passwd = p", Ok("basic u p"));
    check("auth_user = u\nauth_secret = p", Ok("basic u p"));
    check("auth_user = u", Err((3, "without an auth_passwd")));
    check("auth_passwd = p", Err((3, "without an auth_user")));
    check(
        "auth_user = u\nauth_passwd =",
        Err((3, "without an auth_passwd")),
    );
    check("auth_method = none\nauth_user = u", Ok("none"));
    check("auth_method =\nauth_user = u", Ok("none"));
    check("auth_method = bearer", Err((3, "needs auth_passwd")));
    check(
        "auth_method = bearer\nauth_user = u",
        Err((3, "needs auth_passwd")),
    );
    check(
        "auth_method = bearer\nauth_passwd = \"a\nb\"",
        Err((4, "HTTP header")),
    );
    check(
        "auth_method = header\nauth_user = X-Key",
        Err((3, "needs auth_user")),
    );
    check(
        "auth_method = header\nauth_passwd = p",
        Err((3, "needs auth_user")),
    );
    check(
        "auth_method = header\nauth_user = \"X Key\"\nauth_passwd = p",
        Err((4, "no header name")),
    );
    check(
        "auth_method = header\nauth_user = Host\nauth_passwd = p",
        Err((4, "belongs to the connection")),
    );
    check(
        "auth_method = header\nauth_user = X-Key\nauth_passwd = \"p\nq\"",
        Err((5, "HTTP header")),
    );
    check(
        "auth_method = header\nauth_user = X-Key\nauth_passwd = p",
        Ok("header X-Key: p"),
    );
    check("auth_method = zadarma", Err((3, "needs auth_user")));
    check(
        "auth_method = zadarma\nauth_user = u",
        Err((3, "needs auth_user")),
    );
    check(
        "auth_method = zadarma\nauth_passwd = p",
        Err((3, "needs auth_user")),
    );
    check(
        "auth_method = zadarma\nauth_user = \"u\nv\"\nauth_passwd = p",
        Err((4, "HTTP header")),
    );
    check(
        "auth_method = zadarma\nauth_user = u\nauth_passwd = p\nformat = json",
        Err((3, "needs format form or query")),
    );
    check("auth_method = plain", Err((3, "key_secret")));
    check(
        "auth_method = plain\nauth_user = u\nauth_passwd = p",
        Err((3, "key_secret")),
    );
    check(
        "auth_method = plain\nkey_secret = k\nauth_passwd = p",
        Ok("plain = k=p"),
    );
    check(
        "auth_method = plain\nkey_secret = k\nauth_passwd = p\nauth_user = u",
        Err((3, "key_user")),
    );
    check(
        "auth_method = plain\nkey_secret = k\nauth_passwd = p\nkey_user = l",
        Err((3, "key_user")),
    );
    check("auth_method = basci", Err((3, "nearest is \"basic\"")));
    check(
        "format = json\nkey_to = \"a[\"",
        Err((3, "makes no request")),
    );
    let text = "format = json\nlong_bytes = 160\nlong_static";
    check(
        &format!("{text} = 'Body.a=1'"),
        Err((3, "makes no request")),
    );
    check(&format!("{text} = 'Body2.a=1'"), Ok("basic  "));
}

/// Returns the credentials of the first inbound interface.
fn credentials(text: &str) -> Credentials {
    config(text).rules.interfaces[0].gate.credentials.clone()
}

#[test]
fn what_is_for_long_texts_alone_needs_long_bytes() {
    let words = "is for texts of more than long_bytes";
    for key in ["long_static = 'a=1'", "long_key_message_id = mms"] {
        check_warning(&format!("[websms]\n{key}\n"), 2, words);
        check_silence(&format!("[websms]\n{key}\nlong_bytes = 9\n"), words);
        check_silence(&format!("[websms]\n{key}\nlong_bytes =\n"), words);
    }
}

#[test]
fn inbound_credentials() {
    fn check(lines: &str, expected: Result<[&str; 3], (u32, &str)>) {
        let text = format!("[websmsd]\n{lines}\n");
        match expected {
            Ok([scheme, user, secret]) => {
                let found = credentials(&text);
                assert_eq!(found.scheme.name, scheme, "{lines}");
                assert_eq!(found.user, user.as_bytes(), "{lines}");
                assert_eq!(found.secret, secret.as_bytes(), "{lines}");
            }
            Err((line, words)) => check_fault(&text, line, words),
        }
    }
    check("auth_user = u\nauth_passwd = p", Ok(["none", "", ""]));
    check(
        "auth_method = basic\nauth_user = u\nauth_secret = p",
        Ok(["basic", "u", "p"]),
    );
    check("auth_method = basic", Err((2, "needs auth_user")));
    check(
        "auth_method = basic\nauth_user = u",
        Err((2, "needs auth_user")),
    );
    check(
        "auth_method = basic\nauth_passwd = p",
        Err((2, "needs auth_user")),
    );
    check("auth_method = bearer", Err((2, "needs auth_passwd")));
    check(
        "auth_method = bearer\nauth_passwd =",
        Err((2, "needs auth_passwd")),
    );
    check(
        "auth_method = barer\nauth_passwd = x",
        Err((2, "nearest is \"bearer\"")),
    );
    let check_faults = |method: &str, what: &str, more: &str| {
        let text = format!("auth_method = {method}\n{more}");
        check(&text, Err((2, what)));
    };
    check_faults(
        "plivo-v2",
        "covers neither query nor body",
        "auth_passwd = p",
    );
    for scheme in SCHEMES {
        let name = scheme.name;
        match scheme.needs {
            Needs::Nothing | Needs::UserAndPasswd | Needs::Refused(_) => continue,
            Needs::Passwd(what) | Needs::Decoded(what, _) | Needs::PasswdAndHash(what, _) => {
                check_faults(
                    name,
                    &format!("is {name} and needs auth_passwd, {what}"),
                    "",
                );
                check_faults(name, "needs auth_passwd", "auth_user = u\nauth_passwd =");
            }
        }
        if scheme.covers == Covers::Url {
            check_faults(name, "give public_url", "auth_passwd = p");
            let bad = format!("auth_method = {name}\nauth_passwd = p\npublic_url = pbx");
            check(&bad, Err((4, "is no URL")));
        }
    }
    check(
        "auth_method = telnyx\nauth_passwd = p",
        Err((3, "is no public key")),
    );
    check(
        "auth_method = telesign\nauth_passwd = \"p!\"",
        Err((3, "is no base64")),
    );
    for method in ["messagebird", "gatewayapi", "vonage-jwt"] {
        let text = format!(
            "auth_method = {method}\nauth_passwd = p\nauth_hash = md5\npublic_url = https://h"
        );
        check(&text, Err((4, "of: sha256, sha384, sha512")));
    }
}

#[test]
fn inbound_signatures() {
    fn check(lines: &str, name: &str, secret: &[u8], hash: Hash) {
        let text = format!("[websmsd]\nauth_passwd = \"cHc=\"\npublic_url = https://h\n{lines}\n");
        let found = credentials(&text);
        assert_eq!(found.scheme.name, name, "{lines}");
        assert_eq!(found.secret, secret, "{lines}");
        assert_eq!(found.hash, hash, "{lines}");
    }
    for scheme in SCHEMES {
        let name = scheme.name;
        let lines = format!("auth_method = {name}");
        match scheme.needs {
            Needs::Passwd(_) => check(&lines, name, b"cHc=", Hash::Sha256),
            Needs::PasswdAndHash(_, words) => {
                check(&lines, name, b"cHc=", Hash::Sha256);
                for (word, hash) in words {
                    let lines = format!("{lines}\nauth_hash = {word}");
                    check(&lines, name, b"cHc=", *hash);
                }
            }
            Needs::Nothing | Needs::UserAndPasswd | Needs::Decoded(..) | Needs::Refused(_) => {}
        }
    }
    let mut key = [7; 32];
    key[31] = 8;
    let passwd = BASE64_STANDARD.encode(key);
    let telnyx = format!("auth_method = telnyx\nauth_passwd = \"{passwd}\"");
    check(&telnyx, "telnyx", &key, Hash::Sha256);
    check("auth_method = telesign", "telesign", b"pw", Hash::Sha256);
}
