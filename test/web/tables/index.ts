/** All tables. */

import type { Table } from "../case.ts";
import { ABORTS, CLOCK, EVENTS, TIMERS } from "./event.ts";
import { BLOB, FORM, HEADERS, REQUEST, RESPONSE } from "./fetch.ts";
import { CLONES, CRYPTO, EXCEPTIONS } from "./object.ts";
import { COMPRESSION, STREAMS } from "./stream.ts";
import { BASE_64, TEXT } from "./text.ts";
import { QUERY, URLS } from "./url.ts";

export const TABLES: readonly Table[] = [
  URLS,
  QUERY,
  TEXT,
  BASE_64,
  EVENTS,
  ABORTS,
  TIMERS,
  CLOCK,
  CLONES,
  EXCEPTIONS,
  CRYPTO,
  HEADERS,
  REQUEST,
  RESPONSE,
  BLOB,
  FORM,
  STREAMS,
  COMPRESSION,
];
