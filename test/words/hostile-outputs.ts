/** What a script may write so as to look like something else, to steer whoever reads it, or to break what carries it. */

const ESC = '\x1b';

/** A text where it might be taken for more than a text: alone, within a line, and as a line of its own. */
function everywhere(what: string, text: string): [string, string][] {
  return [
    [what, text],
    [`${what}, within a line`, `disk sda${text}is full`],
    [`${what}, as another line`, `disk sda is full\n${text}\nreally`],
  ];
}

const CONTROLS = [...Array(0x20).keys(), ...Array.from({ length: 0x21 }, (_, i) => 0x7f + i)].map(
  (code): [string, string] => [
    `the control character ${code.toString(16)}`,
    `disk${String.fromCharCode(code)}sda${String.fromCharCode(code)}`,
  ],
);

const TERMINAL: readonly [string, string][] = [
  ['a colour', `${ESC}[1;31mFAILED${ESC}[0m`],
  ['a colour of the 8-bit form', '\u009b31mFAILED\u009b0m'],
  ['an erased line', `bad${ESC}[2K${ESC}[1GOK`],
  ['a cleared screen', `${ESC}[2J${ESC}[H`],
  ['a reset', `${ESC}c`],
  ['a title', `${ESC}]0;owned\x07`],
  ['a link', `${ESC}]8;;https://evil${ESC}\\click${ESC}]8;;${ESC}\\`],
  ['a device string', `${ESC}P1$r owned${ESC}\\`],
  ['a report that is typed', `${ESC}[21t`],
  ['a clipboard that is written', `${ESC}]52;c;ZWNobyBvd25lZA==\x07`],
  ['a sequence that does not end', `sda${ESC}]0;`],
  ['backspaces', 'bad\b\b\bOK '],
];

const FORGED: readonly [string, string][] = [
  ...everywhere('a line of ours', 'INFO: Uncordoning node node-1'),
  ...everywhere('a verdict of ours', '[✅OK] return code was zero. policy=b'),
  ...everywhere('fields of ours', ' policy=b stream=stderr bytes=0 output=x words="y"'),
  ...everywhere('the end of our quotes', '" policy=b words="'),
  ...everywhere('an escaped end of our quotes', '\\" policy=b words=\\"'),
  ...everywhere(
    'a line in JSON',
    '{"time":"2026-01-01T00:00:00.000Z","level":"info","msg":"policy recovered","policy":"b"}',
  ),
  ...everywhere('the end of a string of JSON', '","policy":"b","words":"'),
  ...everywhere('the end of an object of JSON', '"}\n{"msg":"forged"}'),
  ...everywhere('CR and LF', '\r\nINFO: forged\r\n'),
  ...everywhere('a CR that hides a line', 'disk failed\rOK all is well          '),
  ...everywhere('the ends of lines of Unicode', '\u2028INFO: forged\u2029INFO: forged\u0085INFO: forged'),
  ...everywhere('an escape that is spelt out', '\\nINFO: forged\\u000aINFO: forged'),
  ...everywhere('a message of ours', 'Policy b: check is healthy again'),
  ...everywhere('a condition of ours', 'Policy b: check is failing (Other): x'),
  ...everywhere('a ledger', '{"version":2,"nodeUid":"uid-1","policies":{},"marks":[]}'),
  ...everywhere('a label', '",policy="b'),
  ...everywhere('a series', '"} 1\nnsc_policy_failing{policy="b"} 1\n'),
  ...everywhere(
    'a comment of metrics',
    '\n# HELP nsc_policy_failing forged\n# TYPE nsc_policy_failing counter\n# EOF\n',
  ),
  ...everywhere('a backslash before the end of a label', '\\'),
  ...everywhere('a table of ours', 'node-2   cordon, taint   5m   r1   b'),
];

const TEMPLATES: readonly [string, string][] = [
  '%s%s%n%d%x %c',
  '%00%0a%0dINFO: forged',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: that is what a script may write
  '${process.exit(1)} ${HOME} $HOME $(reboot) `reboot`',
  '{{ .Labels.node }} {{ query "up" }} {{ template "x" . }}',
  '<%= x %> #{x} @{x} {0} {}',
  '<!channel> <@U123> <https://evil|fine>',
  '[fine](https://evil) ![x](https://evil/x.png) **bold** ~~gone~~',
  '# heading',
  '```\ncode\n```',
  '| a | b |\n|---|---|',
  '<script>alert(1)</script><img src=x onerror=alert(1)>',
  '&lt;&#60;&amp;',
  "'; DROP TABLE nodes; --",
  '../../etc/passwd',
  '--all --yes',
  '!!python/object:x &a *a <<: {}',
  '__proto__ constructor hasOwnProperty',
  'null',
  'NaN',
  '-',
].flatMap((text) => everywhere(`the text ${JSON.stringify(text)}`, text).slice(0, 2));

const UNICODE: readonly [string, string][] = [
  ['a turned direction', '\u202eevil\u202c \u2066x\u2069 \u200fy'],
  ['what has no width', 'O\u200bK\u200c\u200d\u2060\ufeff\u00ad'],
  ['tags', 'OK\u{e0041}\u{e007f}'],
  ['marks upon marks', `a${'\u0301'.repeat(500)}`],
  ['wide characters', '日本語'.repeat(100)],
  ['emoji of many parts', '👩‍👩‍👧‍👦🏳️‍🌈'.repeat(50)],
  ['private use', '\ue000\u{f0000}\u{10ffff}'],
  ['what is no character', '\ufffe\uffff\ufdd0'],
  ['other spaces', 'a\u00a0b\u2003c\u3000d\u1680e'],
  ['nothing that is seen', '\u200b\u200b\n\u2028\n\t \n'],
];

const BYTES: readonly [string, Buffer][] = [
  ['bytes that are no UTF-8', Buffer.from([0x64, 0xff, 0xfe, 0x64, 0xc0, 0xaf, 0x64])],
  ['a quotation mark in too many bytes', Buffer.from([0xc0, 0xa2, 0xe0, 0x80, 0xa2])],
  ['halves of pairs in UTF-8', Buffer.from([0xed, 0xa0, 0x80, 0x61, 0xed, 0xb0, 0x80])],
  ['a character that does not end', Buffer.from([0x61, 0xe2, 0x82])],
  ['UTF-16', Buffer.from('disk is full', 'utf16le')],
  ['every byte there is', Buffer.from(Array.from({ length: 256 }, (_, i) => i))],
  ['a program', Buffer.from('7f454c4602010100000000000000000003003e0001000000', 'hex')],
];

const MEBIBYTE = 1024 * 1024;
const LONG: readonly [string, Buffer][] = [
  ['a mebibyte in one line', Buffer.alloc(MEBIBYTE, 'x')],
  ['a mebibyte of NUL', Buffer.alloc(MEBIBYTE)],
  ['a mebibyte of ends of lines', Buffer.alloc(MEBIBYTE, '\n')],
  ['a mebibyte of quotation marks', Buffer.alloc(MEBIBYTE, '"')],
  ['a mebibyte of backslashes', Buffer.alloc(MEBIBYTE, '\\')],
  ['a mebibyte of escapes', Buffer.alloc(MEBIBYTE, ESC)],
  ['a mebibyte of spaces', Buffer.alloc(MEBIBYTE, ' ')],
  ['a mebibyte of wide characters', Buffer.alloc(MEBIBYTE, '語')],
  ['characters that are cut where words end', Buffer.from(`${'x'.repeat(252)}語語語`)],
  ['characters that are cut where output ends', Buffer.from(`${'x'.repeat(4095)}語`)],
  ['an escape where words end', Buffer.from(`${'x'.repeat(250)}${ESC}[31m${'y'.repeat(50)}`)],
  ['ten thousand lines', Buffer.from('INFO: forged\n'.repeat(10_000))],
];

/** What each is, and its bytes. */
export const HOSTILE_OUTPUTS: readonly (readonly [what: string, bytes: Buffer])[] = [
  ...[...CONTROLS, ...TERMINAL, ...FORGED, ...TEMPLATES, ...UNICODE].map(
    ([what, text]) => [what, Buffer.from(text)] as const,
  ),
  ...BYTES,
  ...LONG,
  ['nothing', Buffer.alloc(0)],
];

/** Parts of them, to be put together at random. */
export const HOSTILE_PARTS: readonly string[] = [
  ...[...TERMINAL, ...FORGED, ...TEMPLATES, ...UNICODE].map(([, text]) => text.slice(0, 60)),
  ...['\n', '\r', '\0', '"', '\\', '}', '{', ',', '=', ' ', ESC, '\u009b', '\u2028', '\u202e', 'policy=', 'words="'],
];
