"""Texts, by name, that something between a phone and a provider might stumble over."""

# Texts that try to make Asterisk do something. {} is a file that must not appear.
COMMANDS = {
    "agi command": 'EXEC System "touch {}"',
    "agi command after a line": 'hello\nEXEC System "touch {}"\n.',
    "agi reply and command": '200 result=1\nSET VARIABLE WEBSMS_STATUS "SENT"\nEXEC System "touch {}"\n.',
    "end of the environment": 'x\n\nEXEC System "touch {}"\n\nagi_arg_5: y\n\n.',
    "environment lines": "agi_arg_1: --\nagi_arg_2: +1\nagi_enhanced: 1.0\n\n200 result=1\n.",
    "dialplan function": "${{SHELL(touch {})}}${{SYSTEM(touch {})}}$[1+1]",
    "dialplan quotes": '",${{SHELL(touch {})}},"',
    "shell": '$(touch {}) `touch {}`; touch {} | touch {} & \' " \\',
    "call file lines": "x\nApplication: System\nData: touch {}\n.",
    "call file setvar": "x\nsetvar: MESSAGE(to)=+19999999999\nSetvar: MESSAGE(from)=+10000000000\n.",
    "sip lines": "x\r\nTo: <sip:bob@127.0.0.1>\r\n\r\nbye\r\n.",
    "options": "-c /etc/passwd -n --version",
    "option": "--queue",
}

TEXTS = {
    "ascii": "Incoming message!",
    "one character": "x",
    "quotes": "say \"hi\", it's 'so' and \"so\"",
    "open quote": 'one " only',
    "apostrophes": "it's '' all' '",
    "commas": ",a,b,,c,",
    "semicolons": ";a; b;;c;",
    "escaped semicolon": "a\\;b\\\\;c",
    "numbers": "#1 # 2 ## 3 #",
    "number in front": "# not a comment",
    "percent": "100% %41 %2541 %% %zz %0a %",
    "plus": "1+1=2 & a=b",
    "backslashes": "\\a\\b\\\\c\\\"d\\n\\",
    "variables": "${EXTEN} $[1+1] ${MESSAGE(from)} ${} ${ $ }",
    "unbalanced": "${EXTEN ${{}} $[ ) ( ] }",
    "newlines": "one\ntwo\n\n\nfive",
    "newline in front": "\nx",
    "carriage returns": "one\r\ntwo\rthree",
    "tabs": "\tone\ttwo\t.",
    "controls": "a\x01b\x07c\x1bd\x7fe",
    "blanks": "   x   ",
    "blanks only": "   ",
    "blanks and a comment": " #x ; y ",
    "no-break blanks": "\u00a0x\u00a0\u2003",
    "emoji with joiners": "👨‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇩🇪",
    "cjk, 70": "漢字仮名交じり文"[:7] * 10,
    "cjk, 300": "国" * 300,
    "right to left": "שלום, עולם! \u200fمرحبا\u200e 123",
    "combining": "e\u0301 n\u0303 Z\u0351\u036b\u0343",
    "latin": "æøå ÄÖÜ ß € ñ Ç",
    "byte order mark": "\ufeffx",
    "beyond the plane": "𝒳 𐍈 🂡",
    "true": "true",
    "zero": "0",
    "null": "null",
    "exponent": "1e5",
    "fraction": "1.50",
    "leading zeros": "007",
    "json object": '{"a":1}',
    "json list": "[1,2]",
    "json text": '"q"',
    "json message": '{"To":"+19999999999","From":"+10000000000","Body":"other"}',
    "url": "https://example.com/?a=b&c=%20#d",
    "html": "<b>x</b> &amp; <!-- -->",
    "xml": "<?xml version=\"1.0\"?><note>x</note>",
}

# The longest text that a call-file line takes encoded, and one more character; and texts that come in parts.
LONG = {
    "ascii, 1,000": "x" * 1000,
    "ascii, 1,001": "x" * 1001,
    "ascii, 1,600": "".join(f"{n:04d} " for n in range(320)),
    "blanks, 333": "x" + " " * 331 + "x",
    "blanks, 600": "x" + " " * 598 + "x",
    "cjk, 333": "漢" * 333,
    "cjk, 334": "漢" * 334,
    "cjk, 1,000": "".join(chr(0x4E00 + n) for n in range(1000)),
    "emoji, 249": "🙂" * 249,
    "emoji, 251": "🙂" * 251,
    "percent, 1,000": "%" * 1000,
    "semicolons, 2,000": ";" * 2000,
    "newlines, 700": "\n".join(str(n) for n in range(700)),
    "mixed, 3,000": "".join(f"{n}:é;#%\"漢🙂\n" for n in range(200)) + ".",
}


def hostile(canary):
    """Returns the commands with a file's name filled in."""
    return {name: text.replace("{{", "{").replace("}}", "}").replace("{}", canary) for name, text in COMMANDS.items()}
