/** Bounds of what serves clients, and of nodes that one process has started. They belong to the page `limits.ts`, which has no more room, and are imported from there. */

/** A stream's process has closed it: what its client still sends is let by for so long, and no more than this. */
export const STREAM_LINGER_MS = 20_000;
export const STREAM_LINGER_MAX_BYTES = 16 * 2 ** 20;
/** What UDP carries at most in one datagram. */
export const DATAGRAM_MAX_BYTES = 65_507;
/** Addresses that a datagram socket has heard from lately, and may answer. */
export const DATAGRAM_REMOTES_MAX = 4096;
/** A front's client of datagrams between which and its process none went for so long is forgotten; and is told of again as a new one. */
export const DATAGRAM_IDLE_MS = 60_000;
/** Of those for which another needs the place, so many may be on their way out; then newcomers are dropped. */
export const DATAGRAM_LEAVING_MAX = 256;
/** Datagrams on their way between a front and a home, for each client and direction. */
export const DATAGRAM_WINDOW_BYTES = 32 * 1024;
/** First datagrams of a front's clients that wait for a process. */
export const DATAGRAM_WAITING_MAX_BYTES = 4 * 2 ** 20;
/** A WebSocket's client from which nothing came for so long is asked whether it is there, and must tell within as long again. */
export const SOCKET_PING_MS = 30_000;
/** WebSockets that a process has granted and that are open: each has a call in flight, of `CALLS_IN_FLIGHT_MAX`. */
export const SOCKETS_SERVED_MAX = 512;
/** What came over a session between a front and a home, and waits to be taken: more than its window is its sender's fault. */
export const SESSION_OPEN_MAX_BYTES = 4 * 2 ** 20;
/**
 * What all sessions of a node's fronts have in memory together, for each direction; a front that has half of it lets nobody new
 * in. Beyond are only pieces of those that had nothing under way, and answers that are on their way already.
 */
export const FRONT_HELD_MAX_BYTES = 128 * 2 ** 20;
/** What all sessions of a home keep for fronts that these are not done with; a service has at most half of it. Beyond are only pieces. */
export const HOME_KEPT_MAX_BYTES = 128 * 2 ** 20;
/** What a session may have under way when there is no more room for all. */
export const SESSION_PIECE_MAX_BYTES = 64 * 1024;
/** Names of sessions, and of their fronts' nodes. */
export const SESSION_ID_MAX_CHARS = 300;
/** Sessions of one front's node that a home waits for the first words of. */
export const SESSIONS_OPENING_MAX = 64;
/** Requests, connections and the like that a front has from its clients; those beyond are told to come again. */
export const FRONT_SESSIONS_MAX = 20_000;
/** Those of a front for which no process is free; and how long one waits before it is told to come again. */
export const SERVICE_QUEUE_MAX = 2048;
export const SERVICE_WAIT_MS = 5_000;
/** A process that could not take a request is left alone for so long. */
export const SERVICE_REST_MS = 25;
/** A service's process that is started when it is wanted: without a client for at least so long it is ended. */
export const SERVICE_IDLE_MIN_MS = 100;
export const SERVICE_IDLE_DEFAULT_MS = 60_000;
/** It is looked at this often, at most; has so long to end by itself; and is started again no sooner after it has failed. */
export const SERVICE_IDLE_LOOK_MS = 5_000;
export const SERVICE_GRACE_MS = 5_000;
export const SERVICE_RESTART_MS = 1_000;
/** A process that was started is noted in the directory: asked again after so long, and less and less often up to this. */
export const SERVICE_NOTE_MS = 100;
export const SERVICE_NOTE_MAX_MS = 5_000;
/** Two nodes wanted to start it at once: who came second looks again after so long. */
export const SERVICE_RACE_MS = 10;
/** And a node that could not be reached. */
export const HOME_REST_MS = 1_000;
/** How long a home that takes a process over waits for the fronts of its sessions. */
export const SESSION_ATTACH_TIMEOUT_MS = 5_000;
/** Requests that are being answered when their process's home moves are given this long, if no other home can go on with them. */
export const REHOME_GRACE_MS = 5_000;
/** How often it is tried to hold a process still, which others move at the same time, so that its home can move. */
export const REHOME_ATTEMPTS_MAX = 20;
/** Who reads what processes have said before they ended has so long for the rest of it, when their home was drained and leaves. */
export const DRAIN_READ_MAX_MS = 10_000;
/** A host that has not held a process still after so long is told to let it go on; and so is one whose output is not read. */
export const REHOME_STILL_MS = 10_000;
/** Of a home of which it is not known whether it has moved the directory is asked at least this often. */
export const REHOME_ASK_MAX_MS = 5_000;
/** What goes from home to home of one process: channels, what is on its way in one, what came for it meanwhile, its waits, and output. */
export const RECORD_CHANNELS_MAX = 65_536;
export const RECORD_FRAMES_MAX = 8_192;
export const RECORD_HELD_MAX = 65_536;
export const RECORD_WAITS_MAX = 8_192;
export const RECORD_PIECES_MAX = 8_192;
/** Answered waits that a home remembers of each process; and what one of its capabilities lists. */
export const ANSWERED_WAITS_MAX = 64;
export const GRANTS_MAX = 65_536;
/** Fronts of one node; and the rules of a front's policy. */
export const FRONTS_MAX = 64;
export const POLICY_RULES_MAX = 64;
/** Addresses that are exposed in a cluster; who stands by for one tries this often, beside whenever there is a reason to. */
export const EXPOSURES_MAX = 1024;
export const EXPOSURE_RETRY_MS = 200;
/** A node is given so long to be told of a socket that others of its machine have. */
export const SOCKET_LENT_MS = 2_000;
/** Nodes that are named to hold one. */
export const EXPOSURE_NODES_MAX = 256;
/** What goes with an entry of the directory, under seal; what nothing refers to is dropped when it is so old. */
export const VAULT_THING_MAX_BYTES = 32 * 2 ** 20;
export const VAULT_UNUSED_MS = 3_600_000;
export const POLICY_MAX_CHARS = 4096;
/** How long a client may go on by what an answer says of where else it could ask; in seconds, as Alt-Svc has it. */
export const ALTERNATIVE_MAX_AGE_S = 30;
/** A care-of front of a node that was drained serves so long after nobody is told of it any more. */
export const CARE_OF_LINGER_MS = 2_000;
/** Lookups of one node; services that one is confined to; what one answer tells of; how long it may be taken for true. */
export const LOOKUPS_MAX = 16;
export const LOOKUP_SERVICES_MAX = 256;
export const LOOKUP_RECORDS_MAX = 32;
export const LOOKUP_TTL_S = 1;
/** Questions of DNS that are answered a second for one client's network (/24, or /56): in datagrams, and as many over TCP. Networks that are told apart at a time. */
export const LOOKUP_ANSWERS_PER_S = 500;
export const LOOKUP_NETWORKS_MAX = 10_000;
/** Connections to one lookup, and of DNS those of one network; how long one may be idle, and what may wait in one to be taken by its client. */
export const LOOKUP_CONNECTIONS_MAX = 1_024;
export const LOOKUP_CONNECTIONS_PER_NETWORK_MAX = 128;
export const LOOKUP_IDLE_MS = 10_000;
export const LOOKUP_UNTAKEN_MAX_BYTES = 64 * 1024;
/** A question in DNS; and one by HTTP, with its head. */
export const LOOKUP_QUESTION_MAX_BYTES = 4_096;
/** How long a client by HTTP may have its answer wait for a change. */
export const LOOKUP_WAIT_MAX_S = 60;
/** A client of a lookup: how long it waits for an answer, after a fault until it asks again, and at most for a service to come. */
export const LOOKUP_TIMEOUT_MS = 5_000;
export const LOOKUP_RETRY_MS = 500;
export const LOOKUP_OPENING_S = 5;
export const LOOKUP_WAIT_S = 30;
export const LOOKUP_PAUSE_MS = 10;
export const LOOKUP_ANSWER_MAX_BYTES = 2 ** 20;
/** An address that did not answer is left alone by a client for so long; and is waited for at most so long. */
export const ROUTE_REST_MS = 1_000;
export const ROUTE_CONNECT_TIMEOUT_MS = 3_000;
/** Addresses that a client keeps of one service, and connections to one of them; requests beyond wait for one. */
export const ROUTES_MAX = 64;
export const ROUTE_CONNECTIONS_MAX = 256;
/** A front's certificate, with those of who has signed it; or its key. */
export const PEM_MAX_BYTES = 64 * 1024;
/** Requests that a server works on at once, unless it says: with a thread for each, or a process for each. */
export const REQUEST_THREADS_DEFAULT = 64;
export const REQUEST_PROCESSES_DEFAULT = 8;
/** Threads of a server's pool, and requests that wait for one of them. */
export const POOL_THREADS_DEFAULT = 8;
export const POOL_WAITING_MAX = 256;
/** Processes that are forked before there are requests; and until one that ended early is replaced. */
export const PRE_FORKED_DEFAULT = 4;
export const REFORK_DELAY_MS = 200;
/** Requests wait so long for all of them to be there, and go to those that are. */
export const MEMBERS_WAIT_MS = 1_000;
/** The superserver: its file, and the services of it. */
export const SUPERSERVER_FILE_MAX_BYTES = 2 ** 20;
export const SUPERSERVER_ENTRIES_MAX = 1024;
/** Starts of a service's server within so long, unless the entry says it; and servers of it at once. */
export const SUPERSERVER_STARTS_DEFAULT_MAX = 256;
export const SUPERSERVER_RATE_INTERVAL_MS = 60_000;
export const SUPERSERVER_AT_ONCE_DEFAULT_MAX = 256;
/** Connections of a service that wait for a server to end; and those that the system keeps until they are accepted. */
export const SUPERSERVER_QUEUE_MAX = 128;
export const SUPERSERVER_BACKLOG_MAX = 128;
/** A client has this long to read the last of an answer, and to close. */
export const SUPERSERVER_LINGER_MS = 2_000;
/** Sockets that programs are given as they are: each has a thread that watches it. Orders are heard after so long. */
export const SUPERSERVER_LENT_MAX = 64;
export const LENT_SOCKET_POLL_MS = 200;
/** A `dgram nowait` program is given this long to read its datagram before the next is started for it. */
export const SUPERSERVER_DATAGRAM_PAUSE_MS = 100;
/** A program of godwit's that reads all datagrams of a service has its input closed after this long without one. */
export const SUPERSERVER_READER_IDLE_MS = 60_000;
/** What came out of band and a program has not taken, beside what it learns of channels. */
export const URGENT_MAX = 64;
/** Of one session, those that are on their way to a home. */
export const SESSION_PINGS_MAX = 16;
/** Its words. */
export const URGENT_MESSAGE_MAX_CHARS = 4096;
/** What came out of band waits so long for the event loop to take it, before a thread of its own does. */
export const URGENT_PATIENCE_MS = 10;
/** A connection of HTTP/1.1 is closed when it is idle for so long after an answer. */
export const HTTP1_IDLE_MS = 5_000;
/** A connection of HTTP/2 over which nothing went for so long takes no new requests. */
export const HTTP2_IDLE_MS = 60_000;
/** Requests of one HTTP/2 connection at once; and how long a client may take to agree on TLS. */
export const HTTP2_STREAMS_MAX = 128;
export const TLS_HANDSHAKE_TIMEOUT_MS = 10_000;
/** Sessions that a program remembers, and how long after their last use. */
export const SESSIONS_KEPT_DEFAULT_MAX = 10_000;
export const SESSIONS_KEPT_MAX = 1_000_000;
export const SESSION_EXPIRY_DEFAULT_MS = 30 * 60_000;
/** What browsers keep a cookie for at most: 400 days. */
export const SESSION_EXPIRY_MAX_MS = 400 * 24 * 3_600_000;
/** What a client says first is waited for so long, when its process is chosen by that. */
export const FIRST_BYTES_TIMEOUT_MS = 1_000;
/** Connections that a node is giving to others, and that it is being given: those beyond stay where they are. */
export const HANDOFFS_MAX = 256;
/** A node that has not taken a connection after so long is not waited for; and is given none for this long. */
export const HANDOFF_TIMEOUT_MS = 2_000;
export const HANDOFF_REST_MS = 1_000;
/** Descriptors that wait in the launcher for one node. */
export const HANDOFF_QUEUE_MAX = 1024;
/** Fronts of other nodes whose connections a node takes. */
export const HANDOFF_FRONTS_MAX = 1024;
/** Former policies of a front whose connections elsewhere are counted still. */
export const HANDOFF_PAPERS_MAX = 64;
/** One of which no connection was there for so long is forgotten. */
export const HANDOFF_DOOR_IDLE_MS = 60_000;
/** A front's node learns so late that its connections have ended elsewhere. */
export const HANDOFF_REPORT_MS = 20;
/** A node that is drained looks this often for connections that another can go on with. */
export const HANDOFF_SWEEP_MS = 50;
/** A node that has died is started again after so long; twice as long, up to the most, each time that it died before it had lived for a while. */
export const RESPAWN_PAUSE_MS = 250;
export const RESPAWN_PAUSE_MAX_MS = 30_000;
export const RESPAWN_STEADY_MS = 60_000;
