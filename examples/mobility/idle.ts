/**
 * Something to be moved by balance.mjs: it waits for a message that never comes.
 */

import { receive } from "godwit";

receive();
