/** Requests that mean one thing to one server and another to the next; and those that are unusual, and mean one thing. */

import { HEADERS_MAX, REQUEST_HEAD_MAX_BYTES } from "../../src/limits.ts";

/** A program that tells what it saw, at /seen. */
export const SEEING = (address: string): string => `const { serve } = globalThis.__godwit.exports;
  const seen = [];
  const server = serve(async (request) => {
    const { host, pathname } = new URL(request.url);
    if (pathname === "/seen") return Response.json(seen.splice(0));
    const body = await request.text();
    seen.push([request.method, host, pathname, body]);
    return Response.json([...request.headers].map(([name]) => name));
  }, { address: "${address}" });
  console.log("at http://" + server.address + "/");`;

/** What a smuggler hopes to have answered. */
const HIDDEN = "GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n";
const post = (fields: string, body: string): string => `POST /p HTTP/1.1\r\nHost: x\r\n${fields}\r\n\r\n${body}`;
export const get = (fields: string): string => `GET /p HTTP/1.1\r\n${fields}\r\n`;
const chunked = (body: string): string => post("Transfer-Encoding: chunked", body);

/** By what is wrong with it. */
export const REFUSED: Readonly<Record<string, readonly [request: string, status: number]>> = {
  "both lengths": [post("Content-Length: 6\r\nTransfer-Encoding: chunked", `0\r\n\r\n${HIDDEN}`), 400],
  "both lengths, the other way round": [
    post("Transfer-Encoding: chunked\r\nContent-Length: 4", `0\r\n\r\n${HIDDEN}`),
    400,
  ],
  "two lengths": [post("Content-Length: 0\r\nContent-Length: 33", HIDDEN), 400],
  "the same length twice": [post("Content-Length: 3\r\nContent-Length: 3", "abc"), 400],
  "a list of lengths": [post("Content-Length: 3, 3", "abc"), 400],
  "a length with a sign": [post("Content-Length: +3", "abc"), 400],
  "a negative length": [post("Content-Length: -3", HIDDEN), 400],
  "a hexadecimal length": [post("Content-Length: 0x3", "abc"), 400],
  "a length of more than 64 bits": [post("Content-Length: 18446744073709551619", "abc"), 400],
  "a length of nothing": [post("Content-Length: ", HIDDEN), 400],
  "a space before the colon": [post("Content-Length : 3", `abc${HIDDEN}`), 400],
  "a space before the colon of a coding": [post("Transfer-Encoding : chunked", `0\r\n\r\n${HIDDEN}`), 400],
  "a coding whose name has a control character": [post("Transfer\x01-Encoding: chunked", `0\r\n\r\n${HIDDEN}`), 400],
  "both lengths, one in capitals": [post("CONTENT-LENGTH: 6\r\ntransfer-encoding: CHUNKED", `0\r\n\r\n${HIDDEN}`), 400],
  "two lengths that differ by zeros": [post("Content-Length: 3\r\nContent-Length: 003", "abc"), 400],
  "a length with a space within": [post("Content-Length: 3 3", `abc${HIDDEN}`), 400],
  "a length with a point": [post("Content-Length: 3.0", "abc"), 400],
  "a length with an exponent": [post("Content-Length: 3e0", "abc"), 400],
  "an unknown coding": [post("Transfer-Encoding: xchunked", `0\r\n\r\n${HIDDEN}`), 501],
  identity: [post("Transfer-Encoding: identity\r\nContent-Length: 3", "abc"), 400],
  "chunked twice": [post("Transfer-Encoding: chunked, chunked", "0\r\n\r\n"), 400],
  "chunked and another field": [post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "0\r\n\r\n"), 400],
  "chunked under another": [post("Transfer-Encoding: chunked, gzip", "0\r\n\r\n"), 400],
  "a coding that is known, but not here": [post("Transfer-Encoding: gzip, chunked", `0\r\n\r\n${HIDDEN}`), 501],
  "a vertical tab before chunked": [post("Transfer-Encoding: \vchunked", `0\r\n\r\n${HIDDEN}`), 400],
  "chunked in quotes": [post('Transfer-Encoding: "chunked"', `0\r\n\r\n${HIDDEN}`), 501],
  "chunked on the next line": [post("Transfer-Encoding:\r\n chunked", `0\r\n\r\n${HIDDEN}`), 400],
  "chunked from HTTP/1.0": [chunked("0\r\n\r\n").replace("/1.1", "/1.0"), 400],
  "a folded line": [get("Host: x\r\nX-A: b\r\n c\r\n"), 400],
  "no carriage returns": ["GET /p HTTP/1.1\nHost: x\n\n", 400],
  "a line feed alone": [get("Host: x\nX-A: b\r\n"), 400],
  "a carriage return alone": [get("Host: x\r\nX-A: b\rX-B: c\r\n"), 400],
  "a NUL in a value": [get("Host: x\r\nX-A: a\0b\r\n"), 400],
  "a NUL in a name": [get("Host: x\r\nX\0A: b\r\n"), 400],
  "a NUL in the target": ["GET /p\0q HTTP/1.1\r\nHost: x\r\n\r\n", 400],
  "a space in a name": [get("Host: x\r\nX A: b\r\n"), 400],
  "a space before the first name": [get(" Host: x\r\n"), 400],
  "bytes over 127 in the target": ["GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n", 400],
  "a chunk's size that is none": [chunked(`zz\r\nabc\r\n0\r\n\r\n${HIDDEN}`), 400],
  "a chunk's size with 0x": [chunked(`0x3\r\nabc\r\n0\r\n\r\n${HIDDEN}`), 400],
  "a negative chunk": [chunked(`-3\r\nabc\r\n0\r\n\r\n${HIDDEN}`), 400],
  "a space after a chunk's size": [chunked("3 \r\nabc\r\n0\r\n\r\n"), 400],
  "a chunk's size of more than 64 bits": [chunked(`10000000000000003\r\nabc\r\n0\r\n\r\n${HIDDEN}`), 400],
  "a chunk's size that ends with a line feed": [chunked("3\nabc\r\n0\r\n\r\n"), 400],
  "a chunk longer than its size": [chunked(`3\r\nabcXX\r\n0\r\n\r\n${HIDDEN}`), 400],
  "a line feed in a chunk's extension": [chunked(`3;a\nb\r\nabc\r\n0\r\n\r\n${HIDDEN}`), 400],
  "a chunk's extension without end": [chunked(`3;${"a".repeat(20_000)}\r\nabc\r\n0\r\n\r\n`), 413],
  "a carriage return in a chunk's extension": [chunked(`3;a\rb\r\nabc\r\n0\r\n\r\n${HIDDEN}`), 400],
  "a NUL in a chunk's extension": [chunked(`3;a\0b\r\nabc\r\n0\r\n\r\n${HIDDEN}`), 400],
  "a chunk that ends with a line feed": [chunked(`3\r\nabc\n0\r\n\r\n${HIDDEN}`), 400],
  "a chunk without an end of its line": [chunked(`3\r\nabc0\r\n\r\n${HIDDEN}`), 400],
  "a chunk's size of nothing": [chunked(`\r\nabc\r\n0\r\n\r\n${HIDDEN}`), 400],
  "a chunk's size with a plus": [chunked(`+3\r\nabc\r\n0\r\n\r\n${HIDDEN}`), 400],
  "a length in a trailer": [chunked(`3\r\nabc\r\n0\r\nContent-Length: 33\r\n\r\n${HIDDEN}`), 400],
  "no Host": [get(""), 400],
  "a Host of nothing": [get("Host:\r\n"), 400],
  "two Hosts": [get("Host: x\r\nHost: y\r\n"), 400],
  "the same Host twice": [get("Host: x\r\nHost: x\r\n"), 400],
  "a list of Hosts": [get("Host: x, y\r\n"), 400],
  "a Host with a path": [get("Host: x/y\r\n"), 400],
  "a Host with a backslash": [get("Host: x\\y\r\n"), 400],
  "a Host with a query": [get("Host: x?y\r\n"), 400],
  "a Host with a user": [get("Host: ada:pw@x\r\n"), 400],
  "a Host with a port that is none": [get("Host: x:99999\r\n"), 400],
  "a target of another scheme": ["GET ftp://y/p HTTP/1.1\r\nHost: x\r\n\r\n", 400],
  "a target with a user": ["GET http://ada:pw@y/p HTTP/1.1\r\nHost: x\r\n\r\n", 400],
  "a target with a fragment": ["GET /p#f HTTP/1.1\r\nHost: x\r\n\r\n", 400],
  "a target of a word": ["GET p HTTP/1.1\r\nHost: x\r\n\r\n", 400],
  "an unknown method": ["get /p HTTP/1.1\r\nHost: x\r\n\r\n", 400],
  "HTTP/0.9": ["GET /p\r\n\r\n", 400],
  "nearly HTTP/2's preface": ["PRI * HTTP/2.0\r\n\r\nSM\r\n\nX", 400],
  "an unknown version": ["GET /p HTTP/1.9\r\nHost: x\r\n\r\n", 400],
  TLS: ["\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400],
  "an expectation that nobody knows": [post("Expect: wonders\r\nContent-Length: 3\r\nConnection: close", "abc"), 417],
  "a line that is too long": [`GET /${"a".repeat(REQUEST_HEAD_MAX_BYTES)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431],
  "a head that is too long": [get(`Host: x\r\nX-A: ${"a".repeat(REQUEST_HEAD_MAX_BYTES)}\r\n`), 431],
  "too many fields": [get(`Host: x\r\n${"a:b\r\n".repeat(HEADERS_MAX)}`), 431],
  "too many fields, then a coding": [
    post(`${"a:b\r\n".repeat(HEADERS_MAX + 5)}Transfer-Encoding: chunked`, "0\r\n\r\n"),
    431,
  ],
  "a trailer that is too long": [chunked(`0\r\nX-A: ${"a".repeat(REQUEST_HEAD_MAX_BYTES)}\r\n\r\n`), 431],
};

/** What is unusual, and means one thing. */
export const TAKEN: Readonly<Record<string, readonly [request: string, seen: readonly unknown[]]>> = {
  "zero with zeros": [post("Content-Length: 000", ""), ["POST", "x", "/p", ""]],
  "chunked in capitals": [chunked("1\r\na\r\n0\r\n\r\n").replace("chunked", "CHUNKED"), ["POST", "x", "/p", "a"]],
  "a chunk's extension": [chunked('3;a="b";c\r\nabc\r\n0\r\n\r\n'), ["POST", "x", "/p", "abc"]],
  "a trailer": [chunked("3\r\nabc\r\n0\r\nX-Late: 1\r\n\r\n"), ["POST", "x", "/p", "abc"]],
  "a body of GET": [get("Host: x\r\nContent-Length: 5\r\n") + "GET /", ["GET", "x", "/p", ""]],
  "an absolute target": ["GET http://Other:8080/a/../p HTTP/1.1\r\nHost: x\r\n\r\n", ["GET", "other:8080", "/p", ""]],
  "a target that begins like a Host": ["GET //y/p HTTP/1.1\r\nHost: x\r\n\r\n", ["GET", "x", "//y/p", ""]],
  "a target with backslashes": ["GET /\\y\\p HTTP/1.1\r\nHost: x\r\n\r\n", ["GET", "x", "//y/p", ""]],
  "a target of a star": ["OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", ["OPTIONS", "x", "/*", ""]],
  "a Host of IPv6": [get("Host: [::1]:80\r\n"), ["GET", "[::1]", "/p", ""]],
  "empty lines first": [`\r\n\r\n${get("Host: x\r\n")}`, ["GET", "x", "/p", ""]],
  "names of objects' own": [get("Host: x\r\n__proto__: a\r\nconstructor: b\r\n"), ["GET", "x", "/p", ""]],
  "as many fields as are taken": [get(`Host: x\r\n${"a:b\r\n".repeat(HEADERS_MAX - 1)}`), ["GET", "x", "/p", ""]],
};
