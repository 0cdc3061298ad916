//! Tests the remarks on unknown names and on values that are probably mistakes.

use super::*;

#[test]
fn unknown_keys_and_sections() {
    check_warning("[websms]\nhots = x\n", 2, "nearest: host");
    check_warning("[websms]\npassword = x\n", 2, "nearest: auth_passwd");
    check_warning("[websms]\nwaittime = 1\n", 2, "belongs below [astqueue]");
    check_warning("[websmsd]\nlistn = x\n", 2, "nearest: listen");
    check_warning("[websmsd]\nlistn [a] = x\n", 2, "nearest: listen");
    check_warning("[websmsd]\ntimeout = 1\n", 2, "belongs below [websms]");
    check_warning("[astqueue]\nstaging_dir = x\n", 2, "nearest: stagingdir");
    check_warning("[queue]\nretries = x\n", 2, "nearest: retry");
    check_warning(
        "[websms]\n[websmd]\nreport_success = x\n",
        2,
        "nearest: [websmsd]",
    );
    check_warning("[0]\na = x\n", 1, "\"0\" is not known");
    check_warning("websms = x\n", 1, "before the first section");
}

#[test]
fn so_many_pauses_and_no_more() {
    let pauses = |count: usize| {
        let list = vec!["1s"; count].join(",");
        format!("[websmsd]\npermit_addr = 127.0.0.1\n[queue]\nretry = \"{list}\"\n")
    };
    let most = config(&pauses(RETRY_PAUSES_MAX));
    assert_eq!(most.queue.retry.len(), RETRY_PAUSES_MAX);
    check_fault(
        &pauses(RETRY_PAUSES_MAX + 1),
        4,
        "has 33 pauses; give 1 to 32",
    );
}

#[test]
fn words_that_have_become_something_else_are_told() {
    let is_1 = "is 1: that is what this word means";
    check_warning("[websms]\nkey_body = yes\n", 2, &format!("key_body {is_1}"));
    check_warning(
        "[websms]\nauth_user [a] = u\nauth_passwd [a] = On\n",
        3,
        is_1,
    );
    check_warning("[websms]\ntimeout = true\n", 2, is_1);
    check_warning(
        "[websmsd]\nresp_ack = yes\n",
        2,
        &format!("resp_ack {is_1}"),
    );
    check_warning(
        "[websms]\nhost = http://[::1]\nauth_method = none\nauth_user = none\n",
        4,
        "auth_user is empty: that is what this word means",
    );
    for meant in [
        "[websms]\ntls_verify = on\n[queue]\nfirst = yes\n",
        "[websms]\nkey_body = \"yes\"\nauth_user = \"\"\n",
        "[websms]\nkey_from = none\nauth_method = none\n",
        "[websms]\ntimeout = 1\n",
    ] {
        check_silence(meant, "this word means");
    }
    check_fault(
        "[websmsd]\npermit_adr = 1.2.3.4\n",
        2,
        "nearest: permit_addr",
    );
    check_fault(
        "[websmsd]\nPermit_Addr = 1.2.3.4\n",
        2,
        "nearest: permit_addr",
    );
    check_fault("[websmsd]\npermit = 1.2.3.4\n", 2, "nearest: permit_addr");
    check_fault(
        "[websmsd]\nremote_addr = 1.2.3.4\n",
        2,
        "nearest: remt_addr",
    );
    check_fault("[websmsd]\nauth_metod = basic\n", 2, "nearest: auth_method");
    check_fault("[websmsd]\nauth_pass = x\n", 2, "nearest: auth_passwd");
    check_fault("[websmsd]\nproxy-addr = x\n", 2, "nearest: proxy_addr");
    check_fault("[websmsd]\nproxy_hdr = x\n", 2, "nearest: proxy_addr");
    check_fault("[websmsd]\nurlpath = /x\n", 2, "nearest: url_path");
    check_fault("[websmsd]\npath = /x\n", 2, "nearest: url_path");
    // In the other sections such a name opens no door.
    check_warning("[websms]\nauth_metod = basic\n", 2, "nearest: auth_method");
    check_warning(
        "[websmsd]\n#permit_addr = 1.2.3.4\n",
        2,
        "a comment begins with ;",
    );
}

#[test]
fn every_typo_of_a_guard_is_a_fault() {
    for key in KEYS.iter().filter(|key| guards(key.section, key.name)) {
        for i in 0..key.name.len() {
            let mut typo = key.name.to_string();
            typo.remove(i);
            let faults = notes(&format!("[websmsd]\n{typo} = x\n"), Severity::Fault);
            assert!(!faults.is_empty(), "{typo}");
        }
    }
}

#[test]
fn what_counts_needs_a_folder() {
    check_fault(
        "[websms]\nrate = 20/min\n[queue]\ndir =\n",
        2,
        "rate counts SMS in [queue] dir",
    );
    check_fault(
        "[queue]\ndir =\n[websms]\nlimit [a] = 5/day\n",
        4,
        "limit counts SMS",
    );
    assert_eq!(
        notes("[websms]\nrate =\n[queue]\ndir =\n", Severity::Fault),
        []
    );
    assert_eq!(notes("[websms]\nlimit = 5/day\n", Severity::Fault), []);
}

#[test]
fn doors_that_stand_open() {
    check_warning("[websmsd]\n", 1, "anyone can deliver SMS");
    check_warning("", 0, "anyone can deliver SMS");
    let of_a = "[websmsd] [a] neither permit_addr nor auth_method is set";
    check_warning("[websmsd]\nurl_path [a] = /a\n", 1, of_a);
    check_silence(
        "[websmsd]\npermit_addr = 1.2.3.x\n",
        "anyone can deliver SMS",
    );
    check_silence(
        "[websmsd]\npermit_addr = 1.2.3.4\n",
        "anyone can deliver SMS",
    );
    check_silence("[websmsd]\npermit_addr =\n", "anyone can deliver SMS");
    let all = "permit_addr has a block of all addresses: anyone can deliver SMS";
    check_warning("[websmsd]\npermit_addr = 192.0.2.1/0\n", 2, all);
    check_warning("[websmsd]\npermit_addr = \"192.0.2.1, ::/0\"\n", 2, all);
    check_silence("[websmsd]\npermit_addr = ::ffff:0:0/95\n", all);
    check_silence("[websmsd]\npermit_addr = 0.0.0.0/1\n", all);
    check_silence(
        "[websmsd]\npermit_addr = 0.0.0.0/0\nauth_method = bearer\nauth_passwd = x\n",
        all,
    );
    check_silence(
        "[websmsd]\nauth_method = bearer\nauth_passwd = x\n",
        "anyone can deliver SMS",
    );
    check_warning(
        "[websmsd]\nauth_method = none\n",
        1,
        "anyone can deliver SMS",
    );

    check_warning(
        "[websmsd]\npermit_addr = 1.2.3.4\n",
        2,
        "without a proxy_addr",
    );
    check_warning(
        "[websmsd]\npermit_addr [a] = 1.2.3.4\n",
        2,
        "without a proxy_addr",
    );
    check_silence(
        "[websmsd]\npermit_addr = 1.2.3.4\nproxy_addr =\n",
        "without a proxy_addr",
    );
    check_silence(
        "[websmsd]\npermit_addr = 1.2.3.4\nprox_addr = 10.0.0.1\n",
        "without a proxy_addr",
    );
    check_silence("[websmsd]\n", "without a proxy_addr");

    let status = |more: &str| format!("[websmsd]\nstatus_path = /status\n{more}");
    check_warning(
        &status("status_addr = 10.0.0.1\n"),
        3,
        "status_addr stands without a proxy_addr",
    );
    check_silence(
        &status("status_addr = 10.0.0.1\nproxy_addr =\n"),
        "without a proxy_addr",
    );
    check_silence(&status(""), "without a proxy_addr");

    check_warning("[astqueue]\nfilemode = 0666\n", 2, "everybody write");
    check_silence("[astqueue]\nfilemode = 0664\n", "everybody write");
}

#[test]
fn a_status_page_wants_a_path_of_its_own() {
    let taken = "the status page has it";
    let status = "[websmsd]\nstatus_path = /status\n";
    for paths in [
        "url_path = /status",
        "url_path = \"/sms,/status?a=b\"",
        "url_path [a] = /sms\nurl_path [b] = /status",
    ] {
        check_warning(&format!("{status}{paths}\n"), 2, taken);
    }
    for paths in ["", "url_path =", "url_path = \"/sms,/status/,/status2\""] {
        check_silence(&format!("{status}{paths}\n"), taken);
    }
    let useless = "so there is no status page";
    check_warning("[websmsd]\nstatus_addr = 10.0.0.1\n", 2, useless);
    check_silence(
        "[websmsd]\nstatus_path =\nstatus_addr = 10.0.0.1\n",
        useless,
    );
}

#[test]
fn secrets_on_the_way() {
    let creds = "auth_user = u\nauth_passwd = p\n";
    let over = |host: &str| format!("[websms]\nhost = {host}\n{creds}");
    check_warning(&over("http://api.example.com"), 2, "over http://");
    check_warning(&over("http://10.0.0.1:8080"), 2, "over http://");
    check_silence(&over("https://api.example.com"), "over http://");
    check_silence(&over("api.example.com"), "over http://");
    check_silence(&over("http://localhost:8080"), "over http://");
    check_silence(&over("http://127.1.2.3"), "over http://");
    check_silence(&over("http://[::1]:80"), "over http://");
    check_warning(&over("http://localhost.example.com"), 2, "over http://");
    check_silence("[websms]\nhost = http://api.example.com\n", "over http://");
    let with =
        |more: &str| format!("[websms]\nhost = http://a.example\nauth_method = none\n{more}\n");
    let filled = "auth_passwd = x\n";
    for more in [
        "path = \"/send?api_key=abc\"",
        "path = \"/send?to={to}&PASSWD=abc\"",
        &format!("{filled}path = \"/{{auth_passwd}}/send\""),
        &format!("{filled}unicode_static = \"a={{auth_passwd}}\""),
        "unicode_static = \"token=abc\"",
        "long_bytes = 160\nlong_static = \"token=abc\"",
    ] {
        check_warning(&with(more), 2, "over http://");
    }
    for more in [
        "path = \"/key/send?to=1&a=key\"",
        "unicode_static = \"type=unicode\"",
    ] {
        check_silence(&with(more), "over http://");
    }
    check_warning(
        "[websms]\nhost = http://h\nheaders = \"X-Api-Key: 1\"\n",
        2,
        "over http://",
    );
    check_warning(
        "[websms]\nhost = http://h\nval_static = \"token=1\"\n",
        2,
        "over http://",
    );
    check_silence(
        "[websms]\nhost = http://h\nval_static = \"lang=en\"\n",
        "over http://",
    );

    check_warning("[websms]\ntls_verify = no\n", 2, "tls_verify is off");
    check_silence("[websms]\ntls_verify = yes\n", "tls_verify");
}

#[test]
fn other_warnings() {
    check_warning(
        "[websms]\nnumber_format = E165\n",
        2,
        "number_format has a value",
    );
    check_warning(
        "[websms]\nval_unicode = UCS2\n",
        2,
        "val_unicode is neither",
    );
    check_warning(
        "[websms]\nhost = https://h\npath = sms\n",
        3,
        "begin it with /",
    );
    check_silence(
        "[websms]\nhost = https://h/\npath = sms\n",
        "begin it with /",
    );
    check_silence(
        "[websms]\nhost = https://h\npath = \"?a=b\"\n",
        "begin it with /",
    );
    check_warning("[websms]\nhost = https://h\n[websms]\npath = /x\n", 3, "");
    check_warning("[websms]\npath [a] = /x\n", 1, "this machine itself");
    check_silence(
        "[websms]\npath [a] = /x\nprovider = plum\n",
        "this machine itself",
    );
    check_warning(
        "[websms]\nauth_user = u\nauth_passwd = p\nheaders = \"authorization: x\"\n",
        4,
        "auth_method sets too",
    );
    check_silence(
        "[websms]\nheaders = \"Authorization: App x\"\n",
        "auth_method sets too",
    );
}

#[test]
fn call_file_lines() {
    fn check(key: &str, bytes_max: usize) {
        let text = |bytes: usize| format!("[astqueue]\n{key} = {}\n", "x".repeat(bytes));
        for bytes in [bytes_max - 1, bytes_max] {
            assert_eq!(notes(&text(bytes), Severity::Fault), [], "{key} {bytes}");
        }
        check_fault(&text(bytes_max + 1), 2, "cut or skip");
    }
    // These are the 1022 bytes of a line without its own text, and without the 64 of the number.
    check("channel_context", 1022 - "Channel: Local/@".len() - 64);
    check("context", 1022 - "Context: ".len());
    check("account", 1022 - "Account: ".len());
    check("application", 1022 - "Application: ".len());
    check("data", 1022 - "Data: ".len());
}
