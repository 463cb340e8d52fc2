/** `TextEncoder`, `TextDecoder`, `atob` and `btoa`: labels, malformed bytes by modes, texts in pieces. */

import { ruled, type Table } from "../case.ts";

const quote = (text: string): string => JSON.stringify(text);
const bytes = (hex: string): string =>
  `new Uint8Array([${
    hex === ""
      ? ""
      : hex
          .split(" ")
          .map((byte) => `0x${byte}`)
          .join()
  }])`;

const LABELS = [
  "utf-8",
  "UTF8",
  " utf-8\t",
  "\u000butf-8",
  "unicode-1-1-utf-8",
  "x-unicode20utf8",
  "utf-16",
  "utf-16le",
  "UTF-16BE",
  "ucs-2",
  "unicodefffe",
  "ascii",
  "latin1",
  "iso-8859-1",
  "windows-1252",
  "iso-8859-2",
  "iso8859-5",
  "koi8-r",
  "macintosh",
  "windows-1251",
  "gbk",
  "gb2312",
  "gb18030",
  "big5",
  "big5-hkscs",
  "euc-jp",
  "shift_jis",
  "sjis",
  "euc-kr",
  "ks_c_5601-1987",
  "iso-2022-jp",
  "hz-gb-2312",
  "replacement",
  "utf-7",
  "utf-32",
  "nonsense",
  "",
  "\u0000utf-8",
  "utf‑8",
];
const UTF8 = [
  "",
  "41",
  "c3 bc",
  "e2 82 ac",
  "f0 9f 98 80",
  "ef bb bf 41",
  "ef bb bf ef bb bf",
  "ef bb",
  "41 ef bb bf",
  "80",
  "bf",
  "c0 80",
  "c1 bf",
  "c2",
  "c2 41",
  "e0 80 80",
  "e0 9f bf",
  "e0 a0",
  "ed a0 80",
  "ed 9f bf",
  "ed bf bf",
  "ef bf bf",
  "f0 80 80 80",
  "f0 8f bf bf",
  "f0 90",
  "f4 8f bf bf",
  "f4 90 80 80",
  "f5 80 80 80",
  "f8 88 80 80 80",
  "fc",
  "fe",
  "ff",
  "e2 82 41",
  "e2 28 a1",
  "f0 9f 98 41",
  "f0 9f 41",
  "41 80 42",
  "c3 bc c3",
  "00",
  "41 00 42",
  "e1 80 c3 bc",
  "f1 80 80 e2 82 ac",
];
const UTF16 = [
  "",
  "41",
  "41 00",
  "00 41",
  "ff fe 41 00",
  "fe ff 00 41",
  "3d d8 00 de",
  "d8 3d de 00",
  "3d d8",
  "00 de",
  "3d d8 41 00",
  "d8 3d 00 41",
  "41 00 42",
  "00 d8 00 d8 00 dc",
  "ff fe ff fe",
  "ff ff",
  "00 00",
];
const MODES = ["{}", "{ fatal: true }", "{ ignoreBOM: true }", "{ fatal: true, ignoreBOM: true }"];

const labels = LABELS.map((label) => `new TextDecoder(${quote(label)})`);
const whole = [
  ...UTF8.map((hex) => ["utf-8", hex]),
  ...UTF16.flatMap((hex) => [
    ["utf-16le", hex],
    ["utf-16be", hex],
  ]),
].flatMap(([label = "", hex = ""]) =>
  MODES.map((mode) => `new TextDecoder(${quote(label)}, ${mode}).decode(${bytes(hex)})`),
);
/** Cut at each place, the pieces have the text of the whole, and the decoder is as new afterwards. */
const inPieces = (label: string, hex: string, mode: string): string =>
  `(() => { const all = ${bytes(hex)}, texts = []; for (let cut = 0; cut <= all.length; cut++) { const d = new TextDecoder(${quote(label)}, ${mode}); texts.push(d.decode(all.subarray(0, cut), { stream: true }) + d.decode(all.subarray(cut), { stream: true }) + d.decode(), d.decode(all)); } return texts; })()`;
const pieces = [
  ...UTF8.map((hex) => ["utf-8", hex]),
  ...UTF16.flatMap((hex) => [
    ["utf-16le", hex],
    ["utf-16be", hex],
  ]),
].flatMap(([label = "", hex = ""]) => ["{}", "{ ignoreBOM: true }"].map((mode) => inPieces(label, hex, mode)));
/** Legacy encodings, each in pieces against itself: all are true, in every engine that follows the standard. */
const LEGACY = [
  "shift_jis",
  "euc-jp",
  "iso-2022-jp",
  "gbk",
  "gb18030",
  "big5",
  "euc-kr",
  "windows-1252",
  "koi8-u",
  "iso-8859-16",
  "x-user-defined",
];
const SAMPLES = [
  "82 a0 82 a2 41 83 7e ff 82",
  "a4 a2 8f b0 a1 8e b1 a4",
  "1b 24 42 24 22 24 24 1b 28 42 41 1b 24",
  "1b 24 42 1b 28 4a 5c 7e 1b 28 49 31 1b 24 40 24 22 24",
  "1b 28 41 1b 24 42 24 1b 28 42 0e",
  "81 30 81 30 c4 e3 fe 50 81 39",
  "a4 40 f9 fe 88 62 ff a4",
  "b0 a1 c8 fe c9 a1 b0",
  "80 81 9f a4 bc ff 00",
];
const legacy = LEGACY.flatMap((label) =>
  SAMPLES.map(
    (hex) =>
      `(() => { const all = ${bytes(hex)}, whole = new TextDecoder(${quote(label)}).decode(all); for (let a = 0; a <= all.length; a++) for (let b = a; b <= all.length; b++) { const d = new TextDecoder(${quote(label)}); const text = d.decode(all.subarray(0, a), { stream: true }) + d.decode(all.subarray(a, b), { stream: true }) + d.decode(all.subarray(b)); if (text !== whole) return [a, b, text, whole]; } return "the same"; })()`,
  ),
);
const decoding = [
  "new TextDecoder().decode()",
  "new TextDecoder().decode(undefined)",
  "new TextDecoder().decode(null)",
  "new TextDecoder().decode('text')",
  "new TextDecoder().decode([65])",
  "new TextDecoder().decode(new ArrayBuffer(2))",
  "new TextDecoder().decode(new DataView(new Uint8Array([65, 66, 67]).buffer, 1, 1))",
  "new TextDecoder().decode(new Uint16Array([0x4241]))",
  "new TextDecoder('utf-8', 5)",
  "new TextDecoder('utf-8', null)",
  "new TextDecoder(Symbol())",
  "TextDecoder()",
  "TextDecoder.prototype.decode.call({})",
  "TextDecoder.prototype.encoding",
  "new TextDecoder(undefined, { fatal: 1, ignoreBOM: 'yes' })",
  "(() => { const d = new TextDecoder('utf-8', { fatal: true }); try { d.decode(new Uint8Array([255])); } catch {} return d.decode(new Uint8Array([65])); })()",
  "(() => { const d = new TextDecoder('utf-8', { fatal: true }); d.decode(new Uint8Array([0xe2]), { stream: true }); return d.decode(); })()",
  "[...Object.keys(TextDecoder.prototype)].sort()",
  "Object.prototype.toString.call(new TextDecoder())",
  "new TextDecoder().decode(structuredClone(new Uint8Array(0)))",
  "(() => { const b = new Uint8Array([65]); structuredClone(b.buffer, { transfer: [b.buffer] }); return new TextDecoder().decode(b); })()",
];
const TEXTS = [
  "",
  "a",
  "ü",
  "€",
  "😀",
  "\ud800",
  "\udc00",
  "\ud800a",
  "a\udc00\ud800",
  "\ud83d\ude00\ud83d",
  "\u0000",
  "\uffff\ufffe",
  "aü€😀".repeat(3),
];
const encoding = [
  ...TEXTS.map((text) => `new TextEncoder().encode(${quote(text)})`),
  ...TEXTS.flatMap((text) =>
    [0, 1, 2, 3, 4, 5, 9, 40].map(
      (room) =>
        `(() => { const to = new Uint8Array(${room}).fill(255); return [new TextEncoder().encodeInto(${quote(text)}, to), to]; })()`,
    ),
  ),
  "new TextEncoder().encode()",
  "new TextEncoder().encode(null)",
  "new TextEncoder().encode(5)",
  "new TextEncoder().encode(Symbol())",
  "new TextEncoder().encodeInto('a')",
  "new TextEncoder().encodeInto('a', [])",
  "new TextEncoder().encodeInto('a', new Uint16Array(2))",
  "new TextEncoder().encodeInto('a', new ArrayBuffer(2))",
  "new TextEncoder('utf-16').encoding",
  "TextEncoder()",
  "TextEncoder.prototype.encode.call({}, 'a')",
  "TextEncoder.prototype.encoding",
  "[...Object.keys(TextEncoder.prototype)].sort()",
  "new TextEncoder().encodeInto('ab', new Uint8Array(new ArrayBuffer(8), 3, 1))",
];

export const TEXT: Table = {
  api: "TextEncoder, TextDecoder",
  cases: [...new Set([...labels, ...whole, ...pieces, ...legacy, ...decoding, ...encoding])],
  rulings: {
    ...ruled(
      "Encoding, 8.1.1: a text in pieces is that of the whole (Node has tables of its own)",
      ...legacy.map((source) => [source, `"the same"`] as const),
    ),
    ...ruled("Encoding, 6: one byte order mark is taken off (Node 24 takes off two)", [
      inPieces("utf-8", "ef bb bf ef bb bf", "{}"),
      `[${Array.from({ length: 14 }, () => `"\\ufeff"`).join()}]`,
    ]),
  },
};

const BASE64 = [
  "",
  "a",
  "ab",
  "abc",
  "abcd",
  "YQ==",
  "YQ",
  "YQ=",
  "YQ===",
  "Y Q = =",
  " YQ== ",
  "Y\tQ\n=\f=\r",
  "YQ=\u000b=",
  "YWI=",
  "YWI",
  "=",
  "==",
  "====",
  "a===",
  "ab=c",
  "ab==cd",
  "YR==",
  "////",
  "++++",
  "-_",
  "ab\u0000c",
  "ä",
  "null",
  "\ud800",
  "YWJj\u00a0",
  "AAAA",
  "/+8=",
];
const BINARY = ["", "a", "ab", "abc", "\u0000", "\u00ff", "\u00ff\u00fe", "\u0100", "ü", "€", "😀", "\ud800", "a\nb"];
const VALUES = [
  "undefined",
  "null",
  "true",
  "5",
  "1.5",
  "NaN",
  "{}",
  "[]",
  "[1, 2]",
  "Symbol()",
  "10n",
  "({ toString: () => 'YQ' })",
  "new String('YQ')",
];
export const BASE_64: Table = {
  api: "atob, btoa",
  known: {
    "atob()": "the engine's own takes nothing for `undefined`",
    "btoa()": "the engine's own takes nothing for `undefined`",
  },
  cases: [
    ...BASE64.map((text) => `atob(${quote(text)})`),
    ...BINARY.map((text) => `btoa(${quote(text)})`),
    ...VALUES.flatMap((value) => [`atob(${value})`, `btoa(${value})`]),
    "atob()",
    "btoa()",
    "[atob.name, atob.length, btoa.name, btoa.length]",
    "(() => { try { atob('*'); } catch (e) { return [e, e.message === '']; } })()",
    "Array.from({ length: 256 }, (_, i) => btoa(String.fromCharCode(i)))",
    "Array.from({ length: 256 }, (_, i) => atob(btoa(String.fromCharCode(i, 255 - i))).charCodeAt(1))",
  ],
};
