//! The texts of `--help` and of usage faults.

/// `websms --help`.
pub(super) const WEBSMS: &str = "\
usage: websms [-c FILE] [-i INDEX] [-n] [-v] [--] TO FROM BODY [INDEX]
       websms --check | --queue [--json] | --flush [-c FILE]
       websms --show ID | --retry ID|all | --drop ID|all [-c FILE]
       websms --selftest [-c FILE] [-i INDEX] [--json]
       websms --providers [NAME]
       websms --version | --help

Sends one SMS by the web API that FILE describes. Run by Asterisk through AGI it sets
WEBSMS_STATUS, WEBSMS_ID and WEBSMS_REASON. Options stand before TO only; a dialplan
calls AGI(websms,--,${QUOTE(${EXTEN})},...), so that no number or text can be an option.

  -c, --config FILE   configuration (default: WEBSMS_CONF, /etc/asterisk/websms.conf)
  -i, --index INDEX   interface; the same as the fourth argument
  -n, --dry-run       print the HTTP request, secrets masked, and send nothing
  -v                  log to stderr as well, with detail
      --check         report every fault and warning of the configuration
      --queue         list what waits and what was given up; with --json for a script
      --flush         try everything in the queue now
      --show ID       print one SMS of the queue or of what was given up, text and all; the
                      beginning of an ID will do
      --retry ID|all  put an SMS that was given up into the queue again, or all of them
      --drop ID|all   remove an SMS from the queue or from what was given up, or all of these
      --selftest      walk the way to the provider and say what holds; nothing is sent
      --providers     list the built-in providers; with NAME print its settings, and what to
                      enter there for interface INDEX
  -V, --version       print the version
  -h, --help          print this

exit: 0 sent, queued or ignored, 1 refused or not acceptable, 2 usage or configuration
      fault, 75 failed for now and not queued, or --flush left something; of --selftest 0 all
      holds, 1 something does not; of --show, --retry and --drop 1 no such ID, 75 no room
";

/// `websmsd --help`.
pub(super) const WEBSMSD: &str = "\
usage: websmsd [-c FILE] [-l ADDR:PORT]... [-v]
       websmsd --check | --dump-config | --replay ID [-c FILE]
       websmsd --poll [-c FILE] [-i INDEX]
       websmsd --selftest [-c FILE] [-l ADDR:PORT]... [-i INDEX] [--from ADDR] [--json]
       websmsd --version | --help

Takes SMS from a provider's webhook, or asks the provider for them (poll), and hands them to
Asterisk as call files. Also run as websms websmsd ...

  -c, --config FILE       configuration (default: WEBSMS_CONF, /etc/asterisk/websms.conf)
  -l, --listen ADDR:PORT  where to listen, IPv6 as [::]:80; repeatable (default: listen of
                          the configuration, port WEBSMSD_PORT, 0.0.0.0:80)
  -v                      log to stderr as well, with detail
      --check             report every fault and warning of the configuration
      --dump-config       print the parsed configuration as JSON, secrets and all
      --selftest          walk the way from the provider to Asterisk and say what holds, for
                          interface INDEX or all, and whether ADDR may deliver; with --json
                          for a monitor
      --replay ID         deliver a refused request that was kept (ID as the log names it, or its
                          file), saying each step
      --poll              ask the provider of interface INDEX, or of all that have poll, for SMS
                          once, saying each step
  -V, --version           print the version
  -h, --help              print this

exit: 0 asked for and done, 1 cannot listen, 2 usage or configuration fault; of --replay also 1 no
      acceptable SMS in it, 75 the spool cannot take it now; of --poll also 75 a list could
      not be read; of --selftest also 1 something does not hold
";
