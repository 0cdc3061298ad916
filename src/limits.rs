//! Every bound of the program, with its unit, its reason and what happens there.
//!
//! Refuse, never truncate: a cut SMS is a wrong SMS.

use core::time::Duration;

// ---- A message ----------------------------------------------------------------------------

/// Longest number, `to` or `from`, in bytes. E.164 has 15 digits and alphanumeric senders 11;
/// 64 leaves room for SIP users and keeps file names short. Beyond: refused (`reject_status`,
/// exit 1).
pub const NUMBER_BYTES_MAX: usize = 64;

/// Longest sender that is a name and no number, where a signature does not show where it ends: what a
/// network carries (3GPP TS 23.040). Beyond: refused (`reject_status`).
pub const SENDER_NAME_BYTES_MAX: usize = 11;

/// Most parts that one inbound text is split into, a call file each. Beyond: 413.
pub const CALL_FILE_PARTS_MAX: usize = 16;

/// Longest call-file line Asterisk reads: a 1024-byte buffer less newline and NUL
/// (`pbx_spool.c`). A longer line is skipped whole.
pub const CALL_FILE_LINE_BYTES_MAX: usize = 1022;

// ---- An inbound request -------------------------------------------------------------------

/// Request line, header lines and trailers together, bytes. Beyond: 431.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Header fields of one request. Beyond: 431.
pub const HEADER_FIELDS_MAX: usize = 64;
/// Request target, bytes. Beyond: 414.
pub const TARGET_BYTES_MAX: usize = 4 * 1024;
/// Request body after chunk framing is taken off, bytes. The largest webhook seen is an MMS
/// notice of some 8 KiB. Beyond: 413.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// Parameters of one request (PHP's `max_input_vars`). Beyond: 413.
pub const PARAMETERS_MAX: usize = 1000;
/// Parts of one multipart body (PHP's own bound: files and unnamed parts count). Beyond: 413.
pub const MULTIPART_PARTS_MAX: usize = 1020;
/// Parameters of one request and the arrays that their names make (`a[b][c]=d` is three), so that
/// 64 KiB of brackets do not become megabytes. Beyond: 413.
pub const PARAMETER_NODES_MAX: usize = 4 * PARAMETERS_MAX;
/// JSON values of one document, counted before the parser runs. Beyond: 413.
pub const JSON_VALUES_MAX: usize = 2000;
/// JSON nesting, counted before the parser runs; parsing this depth must fit
/// [`CONNECTION_STACK_BYTES`]. Beyond: 413.
pub const JSON_DEPTH_MAX: usize = 32;
/// Messages of one request (`each`). Beyond: 413.
pub const MESSAGES_MAX: usize = 100;
/// Request bytes held by all connections together. Beyond: 503.
pub const REQUEST_MEMORY_BYTES_MAX: usize = 1024 * 1024;
/// What each connection has of them without asking, so that short requests are read whatever the others
/// hold; most webhooks are shorter. Connections beyond [`CONNECTIONS_DEFAULT`] bring their own.
pub const REQUEST_FIRST_BYTES: usize = 2 * 1024;
/// What one peer may hold of them beyond that; proxies and loopback excepted. Three of the longest
/// requests, more of the usual ones than a peer has connections. Beyond: 503.
pub const REQUEST_MEMORY_PER_PEER_MAX: usize = REQUEST_MEMORY_BYTES_MAX / 4;
/// Requests that are taken apart at once; 64 KiB of short fields take four times that. Beyond: the next
/// waits its turn, some milliseconds.
pub const READERS_MAX: usize = 4;
/// Value of a `key_echo` parameter that is answered, bytes. Beyond: 400.
pub const ECHO_BYTES_MAX: usize = 256;
/// Nonce of a signature, bytes; providers send 20 to 40. Beyond: 401.
pub const NONCE_BYTES_MAX: usize = 128;

// ---- Time, inbound ------------------------------------------------------------------------

/// From accept to the first byte. Then: 408.
pub const FIRST_BYTE_WAIT: Duration = Duration::from_secs(5);
/// From the first byte of a request to its last. Then: 408.
pub const REQUEST_WAIT: Duration = Duration::from_secs(10);
/// TLS handshake. Then: closed.
pub const HANDSHAKE_WAIT: Duration = Duration::from_secs(10);
/// Writing one answer. Then: closed.
pub const ANSWER_WAIT: Duration = Duration::from_secs(10);
/// Between two requests of a kept-alive connection. Then: closed without a word.
pub const IDLE_WAIT: Duration = Duration::from_secs(5);
/// After an answer that left a part of the request unread: so long the peer may go on sending
/// before the connection is closed under it. Then: closed, perhaps before the answer was read.
pub const LINGER_WAIT: Duration = Duration::from_secs(1);
/// The same in bytes. Then: closed.
pub const LINGER_BYTES_MAX: usize = 256 * 1024;
/// Pause after `EMFILE`, `ENFILE`, `ENOMEM`, `ECONNABORTED` at accept.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How far the time in a signature may lie from ours, either way, seconds, unless `auth_age` says
/// otherwise: the tolerance of the providers' own libraries that have one, enough for a delayed request
/// and a clock that is a little off. Beyond: 401, for it may be a request that somebody recorded. Where
/// `auth_age` is longer, each signature is remembered.
pub const SIGNATURE_AGE_S_MAX: u64 = 300;
/// The same where a token says itself from when to when it holds, seconds: the slip of two clocks
/// (MessageBird's libraries). Beyond: 401.
pub const TOKEN_SLIP_S_MAX: u64 = 1;

// ---- Connections --------------------------------------------------------------------------

/// Connections at once unless `max_connections` says otherwise. Beyond: 503.
pub const CONNECTIONS_DEFAULT: usize = 64;
/// Connections of one peer (IPv4 address, IPv6 /64), and never more than half of all; proxies and
/// loopback excepted. Beyond: 503.
pub const CONNECTIONS_PER_PEER_MAX: usize = 16;
/// Stack of a connection thread, bytes.
pub const CONNECTION_STACK_BYTES: usize = 64 * 1024;

/// Stack of a connection thread under TLS, bytes: an RSA-4096 handshake, then what every connection
/// needs. Only pages that are touched count.
pub const TLS_STACK_BYTES: usize = 256 * 1024;
/// What a TLS connection buffers of one answer, bytes. Beyond: written in pieces.
pub const TLS_BUFFER_BYTES_MAX: usize = 16 * 1024;
/// How old the look at the certificate's files may be when a connection comes.
pub const CERTIFICATE_LOOK_PAUSE: Duration = Duration::from_secs(2);

// ---- Outbound -----------------------------------------------------------------------------

/// The provider's answer that is judged, bytes. What lies beyond is not read.
pub const REPLY_BYTES_MAX: usize = 64 * 1024;
/// Status line and headers of the provider's answer, bytes; the buffer that they must fit. Beyond:
/// the status counts, the rest is not read.
pub const REPLY_HEAD_BYTES_MAX: usize = 16 * 1024;
/// A PEM file of certificates, bytes; the public authorities' bundle has some 220 KiB. Beyond: not
/// read (`ca_file`: a fault).
pub const PEM_BYTES_MAX: u64 = 1024 * 1024;
/// Name look-ups at once, those that outlived their deadline included. Beyond: the name is not found.
pub const RESOLVERS_MAX: usize = 4;
/// Stack of a look-up thread, bytes: the system's resolver keeps whole DNS answers there, and
/// glibc loads its modules on it. Only pages that are touched count.
pub const RESOLVER_STACK_BYTES: usize = 256 * 1024;
/// What Asterisk says of a call before the arguments, bytes; some 20 short lines. Beyond: no
/// variable is set.
pub const AGI_ENVIRONMENT_BYTES_MAX: usize = 64 * 1024;
/// Value of a variable that is set, characters. Asterisk reads commands of up to 2,047 bytes
/// (`res_agi.c`); a character takes four at most. Beyond: cut.
pub const AGI_VALUE_CHARS_MAX: usize = 400;
/// An AGI reply line, bytes. Beyond: nothing more is written.
pub const AGI_REPLY_BYTES_MAX: usize = 1024;
/// Wait for one AGI reply, for one read of the environment, and for room to write a command. Then:
/// nothing more is written.
pub const AGI_REPLY_WAIT: Duration = Duration::from_secs(1);
/// A provider's message id in `WEBSMS_ID`, bytes. Beyond: no id.
pub const MESSAGE_ID_BYTES_MAX: usize = 128;
/// Longest text of an MMS that is taken as a text although all of it is base64, bytes; people do not write
/// more of it. Beyond: a note stands in its place.
pub const ATTACHMENT_BYTES_MIN: usize = 1024;
/// Links of an MMS that stand behind its text. More are left out, so that the text arrives.
pub const MEDIA_LINKS_MAX: usize = 10;
/// Such a link, bytes. A longer one is left out: cut, it would lead nowhere.
pub const MEDIA_LINK_BYTES_MAX: usize = 1024;
/// How far machine chatter is looked for in a text, bytes (spec: root element within 512).
pub const CHATTER_BYTES_MAX: usize = 512;

// ---- Files and log ------------------------------------------------------------------------

/// `websms.conf`, bytes. Beyond: a fault.
pub const CONFIG_BYTES_MAX: usize = 256 * 1024;
/// One log line, bytes. Beyond: cut, with a mark.
pub const LOG_LINE_BYTES_MAX: usize = 480;
/// One value from outside in a log line, bytes before escaping. Beyond: cut, with a mark.
pub const LOG_VALUE_BYTES_MAX: usize = 80;
/// Refusals logged a second; beyond: one line with the count.
pub const LOG_REFUSALS_PER_SECOND_MAX: u32 = 10;
/// Where there is no syslog, it is looked for again after so long. Lines in between go to stderr alone.
pub const LOG_LOOK_PAUSE: Duration = Duration::from_secs(1);
/// Age at which a leftover file of ours is swept.
pub const SWEEP_AGE: Duration = Duration::from_secs(3600);
/// Symbolic links on the way to one folder, as many as Linux follows. Beyond: the folder is not opened.
pub const LINKS_MAX: usize = 40;
/// Folders within a folder that is removed with all it holds. Beyond: it stays.
pub const TREE_DEPTH_MAX: usize = 16;
/// `/etc/passwd` and `/etc/group`, bytes: some ten thousand users. Beyond: `fileowner` is unknown, and root
/// does not become another user.
pub const ACCOUNTS_BYTES_MAX: usize = 1024 * 1024;
/// `/proc/self/mountinfo`, bytes: some 200 mounts of containers. Beyond: an overlay counts as one that a
/// restart empties.
pub const MOUNTS_BYTES_MAX: usize = 256 * 1024;
/// SMS of one interface that are remembered, 24 bytes each; a provider repeats within a day or two.
/// Beyond: the oldest of that interface goes.
pub const SEEN_MAX: usize = 4096;
/// Interfaces of which SMS are remembered: 96 KiB each, so 6 MiB where all of them are full. Beyond: the
/// one that has been silent for longest is forgotten.
pub const SEEN_INTERFACES_MAX: usize = 64;
/// Wait for another request that has the same id, and for a replay to end. Then: 503.
pub const DUPLICATE_WAIT: Duration = Duration::from_secs(5);
/// Wait for another process that writes the file of ids. Then: this time in memory only.
pub const SEEN_TURN_WAIT: Duration = Duration::from_secs(1);
/// After the file of ids could not be written: so long it is not tried again, and ids are in memory
/// only.
pub const SEEN_RETRY_WAIT: Duration = Duration::from_secs(10);
/// Refused requests that are kept, bytes together. Beyond: the oldest goes.
pub const KEPT_BYTES_MAX: usize = 1024 * 1024;
/// A kept request's file, bytes: body, claims, target and content type at their longest, each of their
/// bytes escaped as four, and our own lines. Beyond: not read.
pub const KEPT_FILE_BYTES_MAX: usize = 4 * (BODY_BYTES_MAX + 3 * HEAD_BYTES_MAX);
/// Pause between two refused requests that are kept, once a burst is used up, so that a peer cannot wear a
/// flash disk. Before: not kept.
pub const KEPT_PAUSE: Duration = Duration::from_secs(60);
/// Pause after a refused request could not be written. Before it ends: none is kept.
pub const KEPT_RETRY_WAIT: Duration = Duration::from_secs(1);
/// Share of the places for kept requests that one address may have, as a divisor; beyond: its own oldest
/// goes. A burst is as large; beyond: one each [`KEPT_PAUSE`].
pub const KEPT_SHARES: usize = 4;
/// How old the count of files in `outgoingdir` may be. Then: counted again at the next delivery.
pub const SPOOL_COUNT_WAIT: Duration = Duration::from_secs(1);
/// The same while the count says *full*, so that a spool that empties is soon noticed.
pub const SPOOL_FULL_WAIT: Duration = Duration::from_millis(100);
/// How long `stagingdir` is used, while SMS follow each other, before it is looked for at its path again. A
/// look costs each SMS a system call, and a folder that has been removed is noticed at once anyway.
pub const SPOOL_STAGING_WAIT: Duration = Duration::from_secs(1);
/// Share of the free places that one destination may hold when it gets a further file, as a divisor: it
/// ends with a quarter of an empty spool. Beyond: 503 for that destination alone.
pub const SPOOL_SHARES: usize = 3;
/// Time for which parts 2 to 16 of a text do not count as files that wait: the last of them carries a time
/// [`CALL_FILE_PARTS_MAX`] - 1 s ahead. Then: they count.
pub const SPOOL_PART_WAIT: Duration = Duration::from_secs(16);
/// Texts whose later parts do not count at a time, 32 bytes of memory each: 256 long texts a second.
/// Beyond: their parts count at once.
pub const SPOOL_LATE_TEXTS_MAX: usize = 4096;
/// Files that a destination may have of texts whose first part waits, whatever `max` is: four of the longest.
/// Beyond: their later parts count for this destination, as in [`SPOOL_SHARES`].
pub const SPOOL_TEXT_FILES_MIN: usize = 4 * CALL_FILE_PARTS_MAX;
/// Pause between two checks by `websmsd` whether `outgoingdir` is there.
pub const SPOOL_LOOK_PAUSE: Duration = Duration::from_secs(10);

// ---- Polling ---------------------------------------------------------------------------------

/// Shortest `poll`, seconds: a provider allows no more than a few requests a minute.
pub const POLL_S_MIN: u64 = 10;
/// Longest `poll`, seconds: an SMS that is an hour late is of little use.
pub const POLL_S_MAX: u64 = 3600;
/// A provider's answer to a poll, bytes; a page of a hundred SMS has some 60 KiB. Beyond: the elements
/// before the limit count, and the poll has failed.
pub const POLL_ANSWER_BYTES_MAX: usize = 256 * 1024;
/// JSON values of an answer to a poll; an element of a list has some twenty. Beyond: as for
/// [`POLL_ANSWER_BYTES_MAX`].
pub const POLL_VALUES_MAX: usize = 20_000;
/// Requests of one poll. Beyond: the next poll goes on at that page.
pub const POLL_REQUESTS_MAX: usize = 20;
/// Pause between two attempts to poll while no thread can be had.
pub const POLL_THREAD_PAUSE: Duration = Duration::from_secs(1);
/// Runs of [`POLL_REQUESTS_MAX`] requests that `websmsd --poll` makes, since it has no next poll. Then: it
/// fails.
pub const POLLS_AT_ONCE_MAX: usize = 25;
/// The URL or the value that leads to the next page, bytes. Beyond: not followed.
pub const POLL_NEXT_BYTES_MAX: usize = 2048;
/// New SMS of several pages that are held until the oldest is read, bytes. Beyond: the held ones are delivered
/// first.
pub const POLL_HELD_BYTES_MAX: usize = 256 * 1024;
/// Elements of an interface's list that are known, 8 bytes each. Beyond: the one that was read first goes.
pub const POLL_KNOWN_MAX: usize = 16_384;
/// The file of elements that are not stored yet, of a list that shows each once, bytes: an answer, and the
/// lengths of its elements.
pub const POLL_HELD_FILE_BYTES_MAX: usize = 2 * POLL_ANSWER_BYTES_MAX;
/// The file of known elements, bytes: a line has at most 40, and it is written anew when half of it is old.
pub const POLL_FILE_BYTES_MAX: usize = 2 * POLL_KNOWN_MAX * 40;
/// Pause after polls that failed, at most; it doubles until then.
pub const POLL_PAUSE_MAX: Duration = Duration::from_secs(15 * 60);
/// Pause that a provider may ask for (`Retry-After`). More counts as this.
pub const POLL_RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);
/// Time before the last good poll from which a poll asks, seconds, for SMS that come late into the list.
pub const POLL_OVERLAP_S: u64 = 3600;
/// Age of the oldest SMS that a poll asks for, seconds. Older: its sender has called by now.
pub const POLL_AGE_S_MAX: u64 = 30 * 86_400;
/// Time that the very first poll of an interface looks back, seconds, to know which SMS are there already.
pub const POLL_FIRST_AGE_S: u64 = 7 * 86_400;
/// Pause between two checks whether the clock is right.
pub const POLL_CLOCK_PAUSE: Duration = Duration::from_secs(10);
// ---- The inbox -------------------------------------------------------------------------------

/// SMS in the inbox, bytes of their files together, so that a flash of a few MiB has room for other
/// things. Beyond: 503.
pub const INBOX_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// A file of the inbox, bytes: the longest text that [`CALL_FILE_PARTS_MAX`] call files hold, and our own
/// lines. A longer one is set aside.
pub const INBOX_FILE_BYTES_MAX: usize = (CALL_FILE_PARTS_MAX + 1) * 1024;
/// `inbox_rate` times this many may come at once. Beyond: 503.
pub const INBOX_BURST: u64 = 10;
/// Longest pause between two looks at the inbox and the spool, in case no event came.
pub const INBOX_LOOK_PAUSE: Duration = Duration::from_secs(30);
/// First pause after a call file could not be moved; it doubles.
pub const INBOX_RETRY_PAUSE: Duration = Duration::from_secs(1);
/// Longest such pause.
pub const INBOX_RETRY_PAUSE_MAX: Duration = Duration::from_secs(60);
/// Stack of the thread that delivers from the inbox, bytes: a text and its call files are on the heap.
pub const INBOX_STACK_BYTES: usize = 128 * 1024;

// ---- Parts of one text -----------------------------------------------------------------------

/// Parts of one text, as many as a text makes call files. Beyond: each is an SMS of its own.
pub const PARTS_MAX: usize = 16;
/// A part, bytes: 160 characters of the longest kind, with room. Beyond: an SMS of its own.
pub const PART_BYTES_MAX: usize = 1600;
/// Parts of one sender that wait. Beyond: its oldest text goes as it is.
pub const PARTS_OF_SENDER_MAX: usize = 64;
/// Parts that wait, and parts of texts that have gone and are known. Beyond: the oldest text goes as it is.
pub const PARTS_HELD_MAX: usize = 256;
/// The files of parts that wait, bytes together. Beyond: the oldest text goes as it is.
pub const PARTS_BYTES_MAX: usize = 256 * 1024;
/// Time for which a part of a text that has gone is acknowledged when it comes again. Then: it begins a text.
pub const PARTS_GONE_WAIT: Duration = Duration::from_secs(600);
/// Pause after a text could not be delivered.
pub const PART_RETRY_PAUSE: Duration = Duration::from_secs(10);
/// Longest `part_wait`, seconds: an hour. A longer wait holds up the parts that are there.
pub const PART_WAIT_S_MAX: u64 = 3600;

// ---- The outbound queue --------------------------------------------------------------------

/// What is shown of a provider's own words for a refusal, bytes. Beyond: cut.
pub const PROVIDER_REASON_BYTES_MAX: usize = 120;
/// Successive bytes of an SMS's text that a provider's words may show: a word, no sentence. More:
/// masked.
pub const QUOTED_TEXT_BYTES_MAX: usize = 11;
/// A queued SMS's file, bytes: the longest argument that Linux passes to a program (128 KiB,
/// `MAX_ARG_STRLEN`) and our own lines. Beyond: exit 75, and a file that long is set aside.
pub const QUEUE_FILE_BYTES_MAX: usize = 132 * 1024;
/// Why a queued SMS waits, bytes. Beyond: cut.
pub const QUEUE_REASON_BYTES_MAX: usize = 200;
/// SMS that were given up and are kept for the operator. Beyond: the oldest goes, with a log line.
pub const QUEUE_FAILED_MAX: usize = 1000;
/// Tries of a message that may have been sent: the first and two more. Then: `failed/`.
pub const UNSURE_TRIES_MAX: u32 = 3;
/// Tries of a message that the provider forbids (403) while others go over the same interface. Then:
/// `failed/`.
pub const FORBIDDEN_TRIES_MAX: u32 = 3;
/// How many files `websms` reads to learn whether its interface works. Beyond: it does not.
pub const QUEUE_LOOKS_MAX: usize = 64;
/// Threads that send from the queue, one an interface at most. Beyond: the next waits its turn.
pub const SENDERS_MAX: usize = 4;
/// Stack of such a thread, bytes: a TLS handshake and the provider's answer. Only pages that are
/// touched count.
pub const SENDER_STACK_BYTES: usize = 512 * 1024;
/// Between two writes of a message's tries, so that a provider that is down for days does not wear
/// the flash.
pub const QUEUE_WRITE_PAUSE: Duration = Duration::from_secs(3600);
/// `websmsd` looks at the queue's folder at least so often, in case it was told of nothing.
pub const QUEUE_LOOK_PAUSE: Duration = Duration::from_secs(600);
/// The same where a message could not be read for now.
pub const QUEUE_READ_PAUSE: Duration = Duration::from_secs(5);
/// Between two attempts to take the queue, or to watch its folder, after one that failed.
pub const QUEUE_TAKE_PAUSE: Duration = Duration::from_secs(1);
/// How long `websms --flush` counts as somebody who drains the queue.
pub const FLUSH_AGE: Duration = Duration::from_secs(24 * 3600);
/// Messages in a row that a flush lets fail over one interface. Then: the rest waits as before, for each
/// would take its `timeout` where the provider is away.
pub const FLUSH_FAILURES_MAX: usize = 3;
/// Longest wait of `websms --flush` for a running `websmsd`. Then: what is left is told, exit 75.
pub const FLUSH_WAIT: Duration = Duration::from_secs(600);
/// What `websms` keeps of its time for putting a message into the queue, at most.
pub const QUEUEING_RESERVE: Duration = Duration::from_millis(500);

// ---- How many SMS an interface may send ------------------------------------------------------

/// SMS that may follow a count that was synced, so that a flash disk is written once in so many. After
/// a power cut they count as sent.
pub const QUOTA_AHEAD_MAX: u64 = 10;
/// An interface's count, bytes: some 300. Beyond: it is set aside.
pub const QUOTA_FILE_BYTES_MAX: usize = 1024;
/// Wait for another process that counts, which takes a few milliseconds. Then: the SMS failed for now.
pub const QUOTA_TURN_WAIT: Duration = Duration::from_secs(1);
/// Pause of an interface whose SMS cannot be counted, or which is the fallback of another and has
/// reached its own limit.
pub const QUOTA_PAUSE: Duration = Duration::from_secs(60);

// ---- Delivery reports ------------------------------------------------------------------------

/// SMS that a provider took and whose reports are awaited, some 110 bytes each. Beyond: the oldest is
/// forgotten.
pub const SENT_MAX: usize = 4096;
/// The lines of such SMS together, bytes, in case ids are long. Beyond: the oldest is forgotten.
pub const SENT_BYTES_MAX: usize = 1024 * 1024;
/// Time for which a report is awaited: providers give up after one to three days. Then: the report's id is
/// unknown.
pub const SENT_AGE: Duration = Duration::from_secs(3 * 86_400);
/// Ids of one SMS, one per part if the provider reports each: as many as a text has call files. Beyond: the
/// later parts' reports have unknown ids.
pub const SENT_PARTS_MAX: usize = 16;
/// Growth of the file of such SMS after which it is checked, bytes; it is rewritten if half of it is old.
pub const SENT_LOOK_BYTES: u64 = 64 * 1024;
/// The file of such SMS, bytes: twice [`SENT_BYTES_MAX`], the growth between two checks, and as much again.
/// Beyond: it is set aside.
pub const SENT_FILE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Wait for another process that writes that file. Then: the SMS's reports have an unknown id.
pub const SENT_TURN_WAIT: Duration = Duration::from_secs(1);
/// Final reports of unknown ids that are held in memory, because a report may arrive before our own note of the
/// SMS. Beyond: the oldest is forgotten.
pub const EARLY_REPORTS_MAX: usize = 256;
/// Time for which such a report is held. Then: it is forgotten.
pub const EARLY_REPORT_WAIT: Duration = Duration::from_secs(60);
/// Pause between two checks whether the ids of held reports are known by now.
pub const EARLY_REPORT_PAUSE: Duration = Duration::from_secs(1);

// ---- The status page -------------------------------------------------------------------------

/// A file whose length counts what was sent over an interface, or failed, bytes: one an SMS. Beyond: it
/// is begun anew, which whoever reads a counter knows from every restart.
pub const TALLY_BYTES_MAX: u64 = 1024 * 1024;

// ---- Notices of SMS that were given up -----------------------------------------------------

/// Between two notices to one sender. Before: none.
pub const NOTICE_PAUSE: Duration = Duration::from_secs(600);
/// Senders that had one within that time. Beyond: no notice, with a log line.
pub const NOTICES_MAX: usize = 256;
/// The file of who had one, bytes: a time and a number a line. Beyond: begun anew.
pub const NOTICES_FILE_BYTES_MAX: usize = 32 * 1024;
/// Wait for another process that writes this file. Then: no notice, with a log line.
pub const NOTICES_TURN_WAIT: Duration = Duration::from_secs(1);

// ---- Hooks -----------------------------------------------------------------------------------

/// Programs of the operator (`on_message`, `on_failure`) that run at once in a process. Beyond: the
/// next waits.
pub const HOOKS_MAX: usize = 2;
/// Runs that wait, each with the text of its SMS. Beyond: not run, with a log line.
pub const HOOKS_WAITING_MAX: usize = 32;
/// How long a run may take. Then: it is killed with its process group.
pub const HOOK_WAIT: Duration = Duration::from_secs(30);
/// Longest pause between two looks whether it has ended.
pub const HOOK_PAUSE_MAX: Duration = Duration::from_millis(50);
/// Stack of the thread that runs it, bytes; the C library starts a program on it, too.
pub const HOOK_STACK_BYTES: usize = 128 * 1024;

// ---- A self-test --------------------------------------------------------------------------

/// One step of a self-test that waits for somebody: a name, a connection, an answer. Then: it fails.
pub const SELFTEST_WAIT: Duration = Duration::from_secs(10);
/// For Asterisk to take the call file of a self-test. It is told of a moved-in file at once, or
/// looks every second. Then: it does not read its spool.
pub const SELFTEST_SPOOL_WAIT: Duration = Duration::from_secs(5);
/// Between two looks whether it has.
pub const SELFTEST_SPOOL_PAUSE: Duration = Duration::from_millis(50);
/// Answer to a self-test's own request, bytes. Beyond: not read.
pub const SELFTEST_ANSWER_BYTES_MAX: usize = 4096;
/// Days that a provider's certificate is still good for. Fewer: a warning. Those of public
/// authorities are renewed some thirty days before.
pub const CERTIFICATE_DAYS_MIN: u64 = 14;
/// Entries of `/proc` that are looked at for Asterisk. Beyond: it counts as not there.
pub const PROCESSES_MAX: usize = 65_536;
/// `/proc/PID/status`, bytes: some 1500, more where a user is in many groups. Beyond: not read.
pub const PROCESS_STATUS_BYTES_MAX: usize = 16 * 1024;

// ---- What a configuration may ask for. Beyond: a fault that names the range -----------------

/// `timeout`, seconds. Asterisk passes all messages of the PBX one after another, so a run of
/// more than ten minutes is a mistake.
pub const TIMEOUT_S_MAX: u64 = 600;
/// `rate` and `limit`, SMS. More is no limit.
pub const QUOTA_MAX: u64 = 1_000_000;
/// `max_connections`. A thread each, and a router's memory is small.
pub const CONNECTIONS_MAX: u64 = 4096;
/// `keep_rejected`. They share one MiB, so more would be files of nothing.
pub const KEEP_REJECTED_MAX: u64 = 1000;
/// `[astqueue] max`, files. They are counted once a second, with up to 128 bytes of memory for each
/// destination.
pub const SPOOL_FILES_MAX: u64 = 1_000_000;
/// `[queue] max`, messages. Each pass lists them.
pub const QUEUE_MESSAGES_MAX: u64 = 100_000;
/// Entries of `[queue] retry`.
pub const RETRY_PAUSES_MAX: usize = 32;
/// One entry of `[queue] retry`, seconds: a week.
pub const RETRY_PAUSE_S_MAX: u64 = 7 * 86_400;
/// `[queue] expire`, seconds: thirty days. An older SMS surprises more than it tells.
pub const EXPIRE_S_MAX: u64 = 30 * 86_400;
/// Number of a call file (`WaitTime`, `Priority` and the like): Asterisk reads a 32-bit int.
pub const CALL_FILE_NUMBER_MAX: u64 = 2_147_483_647;
/// Largest `long_bytes` and `text_chars_max`: no text is longer, since it is one argument of `websms`.
pub const TEXT_LENGTH_MAX: u64 = 128 * 1024;
/// Name of an interface, bytes: it stands in log lines and queue items.
pub const INDEX_BYTES_MAX: usize = 64;
/// Names of one key (`a|b`), and values of one condition. Each is another search through a request or an
/// answer.
pub const ALTERNATIVES_MAX: usize = 16;
/// Conditions of one key (`accept_if`). Each is a search of its own, as in [`ALTERNATIVES_MAX`].
pub const CONDITIONS_MAX: usize = 16;
/// Largest `auth_age`, seconds: a week. Providers repeat an SMS for a day or two.
pub const AUTH_AGE_S_MAX: u64 = 7 * 86_400;
/// Entries of `own_numbers`: a block of numbers. Each destination of a group text is compared with them.
pub const OWN_NUMBERS_MAX: usize = 1000;
/// Compiled `response_check` or `later_check`, bytes.
pub const REGEX_BYTES_MAX: usize = 256 * 1024;
/// Notes on what PHP's rules lost or changed in one file. Beyond: the later ones are not kept.
pub const INI_SURPRISES_MAX: usize = 1000;

const _: () = assert!(KEPT_FILE_BYTES_MAX < KEPT_BYTES_MAX);
const _: () = assert!(TARGET_BYTES_MAX < HEAD_BYTES_MAX);
const _: () = assert!(HEAD_BYTES_MAX + BODY_BYTES_MAX < REQUEST_MEMORY_BYTES_MAX);
