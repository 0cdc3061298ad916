//! Every bound of the program, with its unit and its reason. "Beyond" says what happens above a bound,
//! "Then" what happens after a wait.
//!
//! Refuse, never truncate: a cut SMS is a wrong SMS.

use core::time::Duration;

// ---- A message ----------------------------------------------------------------------------

/// Longest number, `to` or `from`, in bytes. E.164 has 15 digits and alphanumeric senders 11; 64 leaves
/// room for SIP users and keeps file names short. Beyond: refused (`reject_status`, exit 1).
pub const NUMBER_BYTES_MAX: usize = 64;

/// Longest sender, in bytes, that is a name and no number if a signature does not show where it ends: the
/// length that a network carries (3GPP TS 23.040). Beyond: refused (`reject_status`).
pub const SENDER_NAME_BYTES_MAX: usize = 11;

/// Most parts that one inbound text is split into, with a call file for each. Beyond: 413.
pub const CALL_FILE_PARTS_MAX: usize = 16;

/// Longest call-file line that Asterisk reads, in bytes: a 1024-byte buffer without newline and NUL
/// (`pbx_spool.c`). It skips a longer line whole.
pub const CALL_FILE_LINE_BYTES_MAX: usize = 1022;

// ---- An inbound request -------------------------------------------------------------------

/// Length of request line, header lines and trailers together, in bytes. Beyond: 431.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Number of header fields of one request. Beyond: 431.
pub const HEADER_FIELDS_MAX: usize = 64;
/// Length of a request's target, in bytes. Beyond: 414.
pub const TARGET_BYTES_MAX: usize = 4 * 1024;
/// Length of a request's body without chunk framing, in bytes. The largest webhook seen is an MMS notice of
/// some 8 KiB. Beyond: 413.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// Number of parameters of one request (PHP's `max_input_vars`). Beyond: 413.
pub const PARAMETERS_MAX: usize = 1000;
/// Number of parts of one multipart body (PHP's own bound: files and unnamed parts count). Beyond: 413.
pub const MULTIPART_PARTS_MAX: usize = 1020;
/// Number of parameters of one request and of the arrays that their names make (`a[b][c]=d` counts as
/// three), so that 64 KiB of brackets do not become megabytes. Beyond: 413.
pub const PARAMETER_NODES_MAX: usize = 4 * PARAMETERS_MAX;
/// Number of JSON values of one document, counted before the parser runs. Beyond: 413.
pub const JSON_VALUES_MAX: usize = 2000;
/// Depth of JSON nesting, counted before the parser runs; parsing this depth must fit
/// [`CONNECTION_STACK_BYTES`]. Beyond: 413.
pub const JSON_DEPTH_MAX: usize = 32;
/// Number of messages of one request (`each`). Beyond: 413.
pub const MESSAGES_MAX: usize = 100;
/// Number of request bytes held by all connections together. Beyond: 503.
pub const REQUEST_MEMORY_BYTES_MAX: usize = 1024 * 1024;
/// Part of [`REQUEST_MEMORY_BYTES_MAX`] that each connection has in any case, in bytes, so that short
/// requests are read whatever the others hold; most webhooks are shorter. Connections beyond
/// [`CONNECTIONS_DEFAULT`] add theirs to the total.
pub const REQUEST_FIRST_BYTES: usize = 2 * 1024;
/// Part of [`REQUEST_MEMORY_BYTES_MAX`] that one peer may hold beyond that, in bytes; proxies and loopback
/// are exempt. It is enough for three of the longest requests, or for usual ones on all connections of a
/// peer. Beyond: 503.
pub const REQUEST_MEMORY_PER_PEER_MAX: usize = REQUEST_MEMORY_BYTES_MAX / 4;
/// Number of requests that are parsed at once; 64 KiB of short fields take four times that memory. Beyond:
/// the next one waits for its turn, some milliseconds.
pub const READERS_MAX: usize = 4;
/// Length of a `key_echo` value that is answered, in bytes. Beyond: 400.
pub const ECHO_BYTES_MAX: usize = 256;
/// Length of a signature's nonce, in bytes; providers send 20 to 40. Beyond: 401.
pub const NONCE_BYTES_MAX: usize = 128;

// ---- Time, inbound ------------------------------------------------------------------------

/// Wait from accepting a connection to the first byte. Then: 408.
pub const FIRST_BYTE_WAIT: Duration = Duration::from_secs(5);
/// Wait from the first byte of a request to its last. Then: 408.
pub const REQUEST_WAIT: Duration = Duration::from_secs(10);
/// Wait for a TLS handshake. Then: closed.
pub const HANDSHAKE_WAIT: Duration = Duration::from_secs(10);
/// Wait for writing one answer. Then: closed.
pub const ANSWER_WAIT: Duration = Duration::from_secs(10);
/// Wait between two requests on a kept-alive connection. Then: closed without an answer.
pub const IDLE_WAIT: Duration = Duration::from_secs(5);
/// Time for which the peer may go on sending after an answer that left a part of the request unread. Then:
/// closed, perhaps before the answer was read.
pub const LINGER_WAIT: Duration = Duration::from_secs(1);
/// Number of bytes that the peer may go on sending in that case. Then: closed.
pub const LINGER_BYTES_MAX: usize = 256 * 1024;
/// Pause after `EMFILE`, `ENFILE`, `ENOMEM` or `ECONNABORTED` when a connection is accepted.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Difference between the time in a signature and ours, either way, in seconds, unless `auth_age` gives
/// another: the tolerance of those providers' libraries that have one. It is enough for a delayed request
/// and a clock that is a little off. Beyond: 401, because somebody may have recorded the request. If
/// `auth_age` is longer, each signature is remembered.
pub const SIGNATURE_AGE_S_MAX: u64 = 300;
/// Tolerance, in seconds, for a token that itself says from when to when it holds, because two clocks
/// differ (MessageBird's libraries). Beyond: 401.
pub const TOKEN_SLIP_S_MAX: u64 = 1;

// ---- Connections --------------------------------------------------------------------------

/// Number of connections at once unless `max_connections` gives another. Beyond: 503.
pub const CONNECTIONS_DEFAULT: usize = 64;
/// Number of connections of one peer (IPv4 address, IPv6 /64), and never more than half of all; proxies and
/// loopback are exempt. Beyond: 503.
pub const CONNECTIONS_PER_PEER_MAX: usize = 16;
/// Stack of a connection's thread, in bytes.
pub const CONNECTION_STACK_BYTES: usize = 64 * 1024;

/// Stack of a connection's thread under TLS, in bytes: an RSA-4096 handshake, and the needs of every
/// connection. Only pages that are touched use memory.
pub const TLS_STACK_BYTES: usize = 256 * 1024;
/// Part of one answer that a TLS connection buffers, in bytes. Beyond: written in pieces.
pub const TLS_BUFFER_BYTES_MAX: usize = 16 * 1024;
/// Time after which a connection causes another check of the certificate's files.
pub const CERTIFICATE_LOOK_PAUSE: Duration = Duration::from_secs(2);

// ---- Outbound -----------------------------------------------------------------------------

/// Length of the part of a provider's answer that is judged, in bytes. Beyond: not read.
pub const REPLY_BYTES_MAX: usize = 64 * 1024;
/// Length of status line and headers of the provider's answer, in bytes, and the size of their buffer.
/// Beyond: the status counts, the rest is not read.
pub const REPLY_HEAD_BYTES_MAX: usize = 16 * 1024;
/// Size of a PEM file of certificates, in bytes; the bundle of public authorities has some 220 KiB. Beyond:
/// not read (`ca_file`: a fault).
pub const PEM_BYTES_MAX: u64 = 1024 * 1024;
/// Number of name look-ups at once, including those that outlived their deadline. Beyond: the name is not
/// found.
pub const RESOLVERS_MAX: usize = 4;
/// Stack of a look-up's thread, in bytes: the system's resolver keeps whole DNS answers there, and glibc
/// loads its modules on it. Only pages that are touched use memory.
pub const RESOLVER_STACK_BYTES: usize = 256 * 1024;
/// Length of Asterisk's data on a call before the arguments, in bytes; these are some 20 short lines.
/// Beyond: no variable is set.
pub const AGI_ENVIRONMENT_BYTES_MAX: usize = 64 * 1024;
/// Length of a variable's value, in characters. Asterisk reads commands of up to 2,047 bytes (`res_agi.c`);
/// a character takes four at most. Beyond: cut.
pub const AGI_VALUE_CHARS_MAX: usize = 400;
/// Length of an AGI reply line, in bytes. Beyond: nothing more is written.
pub const AGI_REPLY_BYTES_MAX: usize = 1024;
/// Wait for one AGI reply, for one read of the environment, and for room to write a command. Then:
/// nothing more is written.
pub const AGI_REPLY_WAIT: Duration = Duration::from_secs(1);
/// Length of a provider's message id in `WEBSMS_ID`, in bytes. Beyond: no id.
pub const MESSAGE_ID_BYTES_MAX: usize = 128;
/// Longest text of an MMS that counts as text although all of it is base64, in bytes; people do not write
/// longer ones. Beyond: a note replaces it.
pub const ATTACHMENT_BYTES_MIN: usize = 1024;
/// Number of links of an MMS that stand behind its text. Beyond: left out, so that the text arrives.
pub const MEDIA_LINKS_MAX: usize = 10;
/// Length of such a link, in bytes. Beyond: left out, because a cut link would lead nowhere.
pub const MEDIA_LINK_BYTES_MAX: usize = 1024;
/// Length of the start of a text in which machine chatter is looked for, in bytes (spec: root element
/// within 512).
pub const CHATTER_BYTES_MAX: usize = 512;

// ---- Files and log ------------------------------------------------------------------------

/// Size of `websms.conf`, in bytes. Beyond: a fault.
pub const CONFIG_BYTES_MAX: usize = 256 * 1024;
/// Length of a log line, in bytes. Beyond: cut, with a mark.
pub const LOG_LINE_BYTES_MAX: usize = 480;
/// Length of a value from outside in a log line, in bytes before escaping. Beyond: cut, with a mark.
pub const LOG_VALUE_BYTES_MAX: usize = 80;
/// Number of refusals logged in a second. Beyond: one line with their number.
pub const LOG_REFUSALS_PER_SECOND_MAX: u32 = 10;
/// Pause between two looks for a missing syslog. Lines in between go to stderr alone.
pub const LOG_LOOK_PAUSE: Duration = Duration::from_secs(1);
/// Age at which our own leftover files are removed.
pub const SWEEP_AGE: Duration = Duration::from_secs(3600);
/// Number of symbolic links on the way to one folder, as many as Linux follows. Beyond: the folder is not
/// opened.
pub const LINKS_MAX: usize = 40;
/// Depth of folders within a folder that is removed with its contents. Beyond: it stays.
pub const TREE_DEPTH_MAX: usize = 16;
/// Size of `/etc/passwd` and of `/etc/group`, in bytes: some ten thousand users. Beyond: `fileowner` is
/// unknown, and root does not become another user.
pub const ACCOUNTS_BYTES_MAX: usize = 1024 * 1024;
/// Size of `/proc/self/mountinfo`, in bytes: some 200 mounts of containers. Beyond: an overlay counts as
/// one that a restart empties.
pub const MOUNTS_BYTES_MAX: usize = 256 * 1024;
/// Number of SMS of one interface that are remembered, 24 bytes each; a provider repeats an SMS within a
/// day or two. Beyond: the oldest of that interface is forgotten.
pub const SEEN_MAX: usize = 4096;
/// Number of interfaces whose SMS are remembered: 96 KiB each, so 6 MiB if all of them are full. Beyond:
/// the one that has been silent for longest is forgotten.
pub const SEEN_INTERFACES_MAX: usize = 64;
/// Wait for another request with the same id, and for the end of a replay. Then: 503.
pub const DUPLICATE_WAIT: Duration = Duration::from_secs(5);
/// Wait for another process that writes the file of ids. Then: remembered in memory only.
pub const SEEN_TURN_WAIT: Duration = Duration::from_secs(1);
/// Pause after the file of ids could not be written. Until its end, ids are remembered in memory only.
pub const SEEN_RETRY_WAIT: Duration = Duration::from_secs(10);
/// Size of all kept refused requests together, in bytes. Beyond: the oldest is removed.
pub const KEPT_BYTES_MAX: usize = 1024 * 1024;
/// Size of a kept request's file, in bytes: body, claims, target and content type at their longest, each of
/// their bytes escaped as four, and our own lines. Beyond: not read.
pub const KEPT_FILE_BYTES_MAX: usize = 4 * (BODY_BYTES_MAX + 3 * HEAD_BYTES_MAX);
/// Pause between two refused requests that are kept, once a burst is used up, so that a peer cannot wear
/// out a flash disk. Before its end: not kept.
pub const KEPT_PAUSE: Duration = Duration::from_secs(60);
/// Pause after a refused request could not be written. Before its end: not kept.
pub const KEPT_RETRY_WAIT: Duration = Duration::from_secs(1);
/// Divisor that gives the share of one address in the places for kept requests; beyond, the oldest of that
/// address is removed. A burst is equally large; beyond, one request is kept each [`KEPT_PAUSE`].
pub const KEPT_SHARES: usize = 4;
/// Age of the count of files in `outgoingdir`. Then: counted again at the next delivery.
pub const SPOOL_COUNT_WAIT: Duration = Duration::from_secs(1);
/// Age of that count while the spool is full, so that it is soon noticed when the spool empties.
pub const SPOOL_FULL_WAIT: Duration = Duration::from_millis(100);
/// Time for which an open `stagingdir` is used, while SMS follow each other. Then: opened anew at its path. A
/// look for each SMS costs a system call, and a folder that has been removed is noticed at once anyway.
pub const SPOOL_STAGING_WAIT: Duration = Duration::from_secs(1);
/// Divisor that gives the share of the free places that one destination may hold when it gets a further
/// file: it ends with a quarter of an empty spool. Beyond: 503 for that destination alone.
pub const SPOOL_SHARES: usize = 3;
/// Time for which parts 2 to 16 of a text do not count as waiting files: the last of them carries a time
/// [`CALL_FILE_PARTS_MAX`] - 1 s ahead, rounded up. Then: they count, also those of a text that came in parts
/// and needs more files, which wait for longer.
pub const SPOOL_PART_WAIT: Duration = Duration::from_secs(16);
/// Number of texts whose later parts do not count, 32 bytes of memory each: 256 long texts a second.
/// Beyond: their parts count at once.
pub const SPOOL_LATE_TEXTS_MAX: usize = 4096;
/// Number of files that a destination may have of texts whose first part waits, even with a small `max`:
/// four of the longest texts. Beyond: their later parts count for this destination, as in [`SPOOL_SHARES`].
pub const SPOOL_TEXT_FILES_MIN: usize = 4 * CALL_FILE_PARTS_MAX;
/// Pause between two checks by `websmsd` whether `outgoingdir` is there.
pub const SPOOL_LOOK_PAUSE: Duration = Duration::from_secs(10);

// ---- Polling ---------------------------------------------------------------------------------

/// Shortest `poll`, seconds: a provider allows no more than a few requests a minute.
pub const POLL_S_MIN: u64 = 10;
/// Longest `poll`, seconds: an SMS that is an hour late is of little use.
pub const POLL_S_MAX: u64 = 3600;
/// Length of a provider's answer to a poll, in bytes; a page of a hundred SMS has some 60 KiB. Beyond: the
/// elements before the limit count, and the poll has failed.
pub const POLL_ANSWER_BYTES_MAX: usize = 256 * 1024;
/// Number of JSON values of an answer to a poll; an element of a list has some twenty. Beyond: as for
/// [`POLL_ANSWER_BYTES_MAX`].
pub const POLL_VALUES_MAX: usize = 20_000;
/// Number of requests of one poll. Beyond: the next poll goes on at that page.
pub const POLL_REQUESTS_MAX: usize = 20;
/// Pause between two attempts to start a poll while there is no thread for it.
pub const POLL_THREAD_PAUSE: Duration = Duration::from_secs(1);
/// Number of runs of [`POLL_REQUESTS_MAX`] requests that `websmsd --poll` makes, because it has no next
/// poll. Then: it fails.
pub const POLLS_AT_ONCE_MAX: usize = 25;
/// Length of the URL or the value that leads to the next page, in bytes. Beyond: not followed.
pub const POLL_NEXT_BYTES_MAX: usize = 2048;
/// Size of new SMS of several pages that are held until the oldest is read, in bytes. Beyond: the held ones
/// are delivered first.
pub const POLL_HELD_BYTES_MAX: usize = 256 * 1024;
/// Number of known elements of an interface's list, 8 bytes each. Beyond: the one that was read first is
/// forgotten.
pub const POLL_KNOWN_MAX: usize = 16_384;
/// Size of the file of elements that are not stored yet, from a list that shows each once, in bytes: an
/// answer, and the lengths of its elements.
pub const POLL_HELD_FILE_BYTES_MAX: usize = 2 * POLL_ANSWER_BYTES_MAX;
/// Size of the file of known elements, in bytes: a line has at most 40, and the file is written anew when
/// half of it is old.
pub const POLL_FILE_BYTES_MAX: usize = 2 * POLL_KNOWN_MAX * 40;
/// Longest pause after failed polls; the pause doubles until then.
pub const POLL_PAUSE_MAX: Duration = Duration::from_secs(15 * 60);
/// Longest pause that a provider may ask for (`Retry-After`). Beyond: shortened to this.
pub const POLL_RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);
/// Time before the last good poll from which a poll asks, in seconds, for SMS that come late into the list.
pub const POLL_OVERLAP_S: u64 = 3600;
/// Age of the oldest SMS that a poll asks for, in seconds. The sender of an older one has called by now.
pub const POLL_AGE_S_MAX: u64 = 30 * 86_400;
/// Time that the very first poll of an interface looks back, in seconds, to learn which SMS are there
/// already.
pub const POLL_FIRST_AGE_S: u64 = 7 * 86_400;
/// Pause between two checks whether the clock is right.
pub const POLL_CLOCK_PAUSE: Duration = Duration::from_secs(10);
// ---- The inbox -------------------------------------------------------------------------------

/// Size of the files of all SMS in the inbox together, in bytes, so that a flash of a few MiB has room for
/// other things. Beyond: 503.
pub const INBOX_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Size of a file of the inbox, in bytes: the longest text that [`CALL_FILE_PARTS_MAX`] call files hold,
/// and our own lines. Beyond: set aside.
pub const INBOX_FILE_BYTES_MAX: usize = (CALL_FILE_PARTS_MAX + 1) * 1024;
/// Factor of `inbox_rate` that gives the number of SMS that may come at once. Beyond: 503.
pub const INBOX_BURST: u64 = 10;
/// Longest pause between two looks at the inbox and the spool, in case no event came.
pub const INBOX_LOOK_PAUSE: Duration = Duration::from_secs(30);
/// Difference between the age of an SMS by the system's clock and by one that never jumps. Beyond: the clock
/// was set since the SMS came, so its arrival is corrected.
pub const INBOX_CLOCK_SLIP: Duration = Duration::from_secs(60);
/// First pause after a call file could not be moved; it doubles.
pub const INBOX_RETRY_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause after call files could not be moved.
pub const INBOX_RETRY_PAUSE_MAX: Duration = Duration::from_secs(60);
/// Stack of the thread that delivers from the inbox, in bytes: a text and its call files are on the heap.
pub const INBOX_STACK_BYTES: usize = 128 * 1024;

// ---- Parts of one text -----------------------------------------------------------------------

/// Number of parts of one text, as many as a text makes call files. Beyond: each is an SMS of its own.
pub const PARTS_MAX: usize = 16;
/// Length of a part, in bytes: 160 characters of the longest kind, with some room. Beyond: an SMS of its
/// own.
pub const PART_BYTES_MAX: usize = 1600;
/// Number of waiting parts of one sender. Beyond: its oldest text is delivered incomplete.
pub const PARTS_OF_SENDER_MAX: usize = 64;
/// Number of waiting parts, and of parts of delivered texts that are still known. Beyond: the oldest text
/// is delivered incomplete.
pub const PARTS_HELD_MAX: usize = 256;
/// Size of the files of all waiting parts together, in bytes. Beyond: the oldest text is delivered
/// incomplete.
pub const PARTS_BYTES_MAX: usize = 256 * 1024;
/// Time for which a repeated part of a delivered text is acknowledged. Then: it begins a text.
pub const PARTS_GONE_WAIT: Duration = Duration::from_secs(600);
/// Pause after a text could not be delivered.
pub const PART_RETRY_PAUSE: Duration = Duration::from_secs(10);
/// Wait for another process that puts a part in: it syncs a file. Then: 503.
pub const PARTS_LOCK_WAIT: Duration = Duration::from_secs(5);
/// Time after which the folder of parts is listed again, in case another process has put one in.
pub const PARTS_LOOK_PAUSE: Duration = Duration::from_secs(30);
/// Longest `part_wait`, seconds: an hour. A longer wait holds up the parts that are there.
pub const PART_WAIT_S_MAX: u64 = 3600;

// ---- The outbound queue --------------------------------------------------------------------

/// Length of a provider's own words for a refusal that are shown, in bytes. Beyond: cut.
pub const PROVIDER_REASON_BYTES_MAX: usize = 120;
/// Number of successive bytes of an SMS's text that a provider's words may show: a word, but no sentence.
/// Beyond: masked.
pub const QUOTED_TEXT_BYTES_MAX: usize = 11;
/// Size of a queued SMS's file, in bytes: the longest argument that Linux passes to a program (128 KiB,
/// `MAX_ARG_STRLEN`) and our own lines. Beyond: exit 75; a file that is longer is set aside.
pub const QUEUE_FILE_BYTES_MAX: usize = 132 * 1024;
/// Length of the reason why a queued SMS waits, in bytes. Beyond: cut.
pub const QUEUE_REASON_BYTES_MAX: usize = 200;
/// Number of SMS that were given up and are kept for the operator. Beyond: the oldest is removed, with a
/// log line.
pub const QUEUE_FAILED_MAX: usize = 1000;
/// Number of tries of a message that may have been sent: the first and two more. Then: `failed/`.
pub const UNSURE_TRIES_MAX: u32 = 3;
/// Number of tries of a message that the provider forbids (403) while others are sent over the same
/// interface. Then: `failed/`.
pub const FORBIDDEN_TRIES_MAX: u32 = 3;
/// Number of files that `websms` reads to learn whether its interface works. Beyond: it counts as not
/// working.
pub const QUEUE_LOOKS_MAX: usize = 64;
/// Number of threads that send from the queue, with at most one per interface. Beyond: the next one waits
/// for its turn.
pub const SENDERS_MAX: usize = 4;
/// Stack of such a thread, in bytes: a TLS handshake and the provider's answer. Only pages that are touched
/// use memory.
pub const SENDER_STACK_BYTES: usize = 512 * 1024;
/// Pause between two writes of a message's tries, so that a provider that is down for days does not wear
/// out the flash.
pub const QUEUE_WRITE_PAUSE: Duration = Duration::from_secs(3600);
/// Longest pause between two looks of `websmsd` at the queue's folder, in case no event came.
pub const QUEUE_LOOK_PAUSE: Duration = Duration::from_secs(600);
/// Longest such pause if a message could not be read.
pub const QUEUE_READ_PAUSE: Duration = Duration::from_secs(5);
/// Pause after a failed attempt to take the queue, or to watch its folder.
pub const QUEUE_TAKE_PAUSE: Duration = Duration::from_secs(1);
/// Time for which `websms --flush` counts as a process that drains the queue.
pub const FLUSH_AGE: Duration = Duration::from_secs(24 * 3600);
/// Number of successive messages that a flush lets fail over one interface. Then: the rest waits as before,
/// because each would take its `timeout` while the provider is away.
pub const FLUSH_FAILURES_MAX: usize = 3;
/// Longest wait of `websms --flush` for a running `websmsd`. Then: it reports the rest and exits with 75.
pub const FLUSH_WAIT: Duration = Duration::from_secs(600);
/// Time that `websms` reserves for putting a message into the queue, at most.
pub const QUEUEING_RESERVE: Duration = Duration::from_millis(500);

// ---- How many SMS an interface may send ------------------------------------------------------

/// Number of SMS that may follow a synced count, so that a flash disk is written once for all of them.
/// After a power cut they count as sent.
pub const QUOTA_AHEAD_MAX: u64 = 10;
/// Size of an interface's count file, in bytes; it has some 300. Beyond: it is set aside.
pub const QUOTA_FILE_BYTES_MAX: usize = 1024;
/// Wait for another process that counts, which takes a few milliseconds. Then: the SMS has failed
/// temporarily.
pub const QUOTA_TURN_WAIT: Duration = Duration::from_secs(1);
/// Pause of an interface whose SMS cannot be counted, or which is the fallback of another and has reached
/// its own limit.
pub const QUOTA_PAUSE: Duration = Duration::from_secs(60);

// ---- Delivery reports ------------------------------------------------------------------------

/// Number of SMS that a provider took and whose reports are awaited, some 110 bytes each. Beyond: the
/// oldest is forgotten.
pub const SENT_MAX: usize = 4096;
/// Length of the lines of such SMS together, in bytes, in case ids are long. Beyond: the oldest is
/// forgotten.
pub const SENT_BYTES_MAX: usize = 1024 * 1024;
/// Time for which a report is awaited: providers give up after one to three days. Then: the report's id is
/// unknown.
pub const SENT_AGE: Duration = Duration::from_secs(3 * 86_400);
/// Number of ids of one SMS, one per part if the provider reports each: as many as a text has call files.
/// Beyond: the later parts' reports have unknown ids.
pub const SENT_PARTS_MAX: usize = 16;
/// Growth of the file of such SMS after which it is checked, bytes; it is rewritten if half of it is old.
pub const SENT_LOOK_BYTES: u64 = 64 * 1024;
/// Size of the file of such SMS, in bytes: twice [`SENT_BYTES_MAX`], the growth between two checks, and as
/// much again. Beyond: it is set aside.
pub const SENT_FILE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Wait for another process that writes that file. Then: the SMS's reports have an unknown id.
pub const SENT_TURN_WAIT: Duration = Duration::from_secs(1);
/// Number of final reports on unknown ids that are held in memory, because a report may arrive before our
/// own note of the SMS. Beyond: the oldest is forgotten.
pub const EARLY_REPORTS_MAX: usize = 256;
/// Time for which such a report is held. Then: it is forgotten.
pub const EARLY_REPORT_WAIT: Duration = Duration::from_secs(60);
/// Pause between two checks whether the ids of held reports are known by now.
pub const EARLY_REPORT_PAUSE: Duration = Duration::from_secs(1);

// ---- The status page -------------------------------------------------------------------------

/// Size of a file whose length counts what was sent over an interface, or failed, in bytes: one per SMS.
/// Beyond: it begins anew, which readers of a counter expect at every restart.
pub const TALLY_BYTES_MAX: u64 = 1024 * 1024;

// ---- Notices of SMS that were given up -----------------------------------------------------

/// Pause between two notices to one sender. Before its end: no notice.
pub const NOTICE_PAUSE: Duration = Duration::from_secs(600);
/// Number of senders that had a notice within that time. Beyond: no notice, with a log line.
pub const NOTICES_MAX: usize = 256;
/// Size of the file of these senders, in bytes, with a time and a number per line. Beyond: it begins anew.
pub const NOTICES_FILE_BYTES_MAX: usize = 32 * 1024;
/// Wait for another process that writes this file. Then: no notice, with a log line.
pub const NOTICES_TURN_WAIT: Duration = Duration::from_secs(1);

// ---- Hooks -----------------------------------------------------------------------------------

/// Number of the operator's programs (`on_message`, `on_failure`) that run at once in a process. Beyond:
/// the next one waits.
pub const HOOKS_MAX: usize = 2;
/// Number of waiting runs, each with the text of its SMS. Beyond: not run, with a log line.
pub const HOOKS_WAITING_MAX: usize = 32;
/// Longest time that a run may take. Then: it is killed with its process group.
pub const HOOK_WAIT: Duration = Duration::from_secs(30);
/// Longest pause between two checks whether a run has ended.
pub const HOOK_PAUSE_MAX: Duration = Duration::from_millis(50);
/// Stack of the thread that waits for a run, in bytes; the C library starts a program on it, too.
pub const HOOK_STACK_BYTES: usize = 128 * 1024;

// ---- A self-test --------------------------------------------------------------------------

/// Longest step of a self-test that waits for a name, a connection or an answer. Then: it fails.
pub const SELFTEST_WAIT: Duration = Duration::from_secs(10);
/// Wait for Asterisk to take the call file of a self-test. It is told of a moved-in file at once, or looks
/// every second. Then: it does not read its spool.
pub const SELFTEST_SPOOL_WAIT: Duration = Duration::from_secs(5);
/// Pause between two checks whether Asterisk has taken it.
pub const SELFTEST_SPOOL_PAUSE: Duration = Duration::from_millis(50);
/// Length of the answer to a self-test's own request, in bytes. Beyond: not read.
pub const SELFTEST_ANSWER_BYTES_MAX: usize = 4096;
/// Number of days that a provider's certificate must still be valid. Below: a warning. Public authorities
/// renew theirs some thirty days before the end.
pub const CERTIFICATE_DAYS_MIN: u64 = 14;
/// Number of entries of `/proc` in which Asterisk is looked for. Beyond: it counts as not running.
pub const PROCESSES_MAX: usize = 65_536;
/// Size of `/proc/PID/status`, in bytes: some 1500, more for a user in many groups. Beyond: not read.
pub const PROCESS_STATUS_BYTES_MAX: usize = 16 * 1024;

// ---- The page for people --------------------------------------------------------------------

/// Events that are held for the page. Beyond: the oldest goes.
pub const EVENTS_MAX: usize = 100;
/// One event, bytes: two numbers, an id, an interface and a reason, each cut to its own limit. Beyond: lost.
pub const EVENT_BYTES_MAX: usize = 512;
/// Bytes of one field of an event; a reason may be twice as long. Beyond: cut.
pub const EVENT_FIELD_BYTES_MAX: usize = 64;
/// Interfaces whose latest failure is held. Beyond: the failures of further ones are not shown.
pub const EVENTS_KEYS_MAX: usize = 32;
/// Stack of the thread that reads other processes' events: one datagram and its parts.
pub const EVENTS_STACK_BYTES: usize = 64 * 1024;
/// Stack of the thread that checks the configuration for the page: it parses the file, compiles its regexes and
/// loads its certificate. It ends before the page is sent.
pub const CHECK_STACK_BYTES: usize = 512 * 1024;
/// Characters of one value on the page. Beyond: cut, with a mark.
pub const PAGE_VALUE_CHARS_MAX: usize = 64;
/// Characters of a reason or a problem on the page. Beyond: cut, with a mark.
pub const PAGE_TEXT_CHARS_MAX: usize = 400;
/// SMS that wait, as listed on the page. Beyond: their number.
pub const PAGE_WAITING_MAX: usize = 20;
/// SMS that were given up and requests that are kept, as listed on the page: the newest. Beyond: their number.
pub const PAGE_FAILED_MAX: usize = 10;
/// Interfaces and problems on the page, each. Beyond: left out.
pub const PAGE_ENTRIES_MAX: usize = 64;
/// Length of the `Accept` fields together, in bytes. Beyond: not read, so the answer is the figures.
pub const ACCEPT_BYTES_MAX: usize = 1024;
/// Time for which an SMS may wait in the inbox, in seconds. Beyond: a problem on the page.
pub const INBOX_SLOW_S: u64 = 5 * 60;
/// Time for which an SMS may wait in the queue, in seconds. Beyond: a problem on the page.
pub const QUEUE_SLOW_S: u64 = 15 * 60;
/// Bytes that must be free in a folder that SMS are written to. Fewer: a problem on the page.
pub const DISK_FREE_BYTES_MIN: u64 = 1024 * 1024;

// ---- Bounds of a configuration. Beyond: a fault that names the range -------------------------

/// Largest `timeout`, in seconds. Asterisk passes all messages of the PBX one after another, so a run of
/// more than ten minutes is a mistake.
pub const TIMEOUT_S_MAX: u64 = 600;
/// Largest `rate` and `limit`, in SMS. A larger one would not limit anything.
pub const QUOTA_MAX: u64 = 1_000_000;
/// Largest `max_connections`. Each connection has a thread, and a router's memory is small.
pub const CONNECTIONS_MAX: u64 = 4096;
/// Largest `keep_rejected`. The requests share one MiB, so more of them would have no room.
pub const KEEP_REJECTED_MAX: u64 = 1000;
/// Largest `[astqueue] max`, in files. They are counted once a second, with up to 128 bytes of memory for
/// each destination.
pub const SPOOL_FILES_MAX: u64 = 1_000_000;
/// Largest `[queue] max`, in messages. Each pass lists them.
pub const QUEUE_MESSAGES_MAX: u64 = 100_000;
/// Number of entries of `[queue] retry`.
pub const RETRY_PAUSES_MAX: usize = 32;
/// Largest entry of `[queue] retry`, in seconds: a week.
pub const RETRY_PAUSE_S_MAX: u64 = 7 * 86_400;
/// Largest `[queue] expire`, in seconds: thirty days. An older SMS would surprise more than inform.
pub const EXPIRE_S_MAX: u64 = 30 * 86_400;
/// Largest number in a call file (`WaitTime`, `Priority` and the like): Asterisk reads a 32-bit int.
pub const CALL_FILE_NUMBER_MAX: u64 = 2_147_483_647;
/// Largest `long_bytes` and `text_chars_max`: no text is longer, since it is one argument of `websms`.
pub const TEXT_LENGTH_MAX: u64 = 128 * 1024;
/// Length of an interface's name, in bytes: it stands in log lines and in the queue's files.
pub const INDEX_BYTES_MAX: usize = 64;
/// Number of names of one key (`a|b`), and of values of one condition. Each causes another search through a
/// request or an answer.
pub const ALTERNATIVES_MAX: usize = 16;
/// Number of conditions of one key (`accept_if`). Each causes a search, as in [`ALTERNATIVES_MAX`].
pub const CONDITIONS_MAX: usize = 16;
/// Largest `auth_age`, in seconds: a week. Providers repeat an SMS for a day or two.
pub const AUTH_AGE_S_MAX: u64 = 7 * 86_400;
/// Number of entries of `own_numbers`: a block of numbers. Each destination of a group text is compared
/// with them.
pub const OWN_NUMBERS_MAX: usize = 1000;
/// Size of a compiled `response_check` or `later_check`, in bytes.
pub const REGEX_BYTES_MAX: usize = 256 * 1024;
/// Number of notes on losses and changes by PHP's rules in one file. Beyond: the later ones are dropped.
pub const INI_SURPRISES_MAX: usize = 1000;

const _: () = assert!(KEPT_FILE_BYTES_MAX < KEPT_BYTES_MAX);
const _: () = assert!(TARGET_BYTES_MAX < HEAD_BYTES_MAX);
const _: () = assert!(HEAD_BYTES_MAX + BODY_BYTES_MAX < REQUEST_MEMORY_BYTES_MAX);
