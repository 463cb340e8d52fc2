/**
 * A chat over WebSockets with Hono: who is connected hears what everybody says, while the process moves.
 *
 *     npx godwit run examples/hono/chat.ts --listen 8080
 *     npx wscat -c ws://127.0.0.1:8080/rooms/lobby
 */

import { upgradeWebSocket as upgrade } from "godwit";
import { Hono } from "hono";
import { defineWebSocketHelper, WSContext } from "hono/ws";

/** Hono's helper, over godwit's own. */
const upgradeWebSocket = defineWebSocketHelper<WebSocket>((c, events) => {
  if (c.req.header("upgrade")?.toLowerCase() !== "websocket") return undefined;
  const { socket, response } = upgrade(c.req.raw);
  const context = new WSContext<WebSocket>({
    raw: socket,
    get readyState() {
      return socket.readyState;
    },
    send: (data) => socket.send(data),
    close: (code, reason) => socket.close(code, reason),
    url: socket.url,
  });
  socket.addEventListener("open", (event) => events.onOpen?.(event, context));
  socket.addEventListener("message", (event) => events.onMessage?.(event, context));
  socket.addEventListener("close", (event) => events.onClose?.(event, context));
  socket.addEventListener("error", (event) => events.onError?.(event, context));
  return response;
});

const rooms = new Map<string, Set<WSContext<WebSocket>>>();

function say(room: string, text: string): void {
  for (const member of rooms.get(room) ?? []) member.send(text);
}

const app = new Hono();
app.get(
  "/rooms/:room",
  upgradeWebSocket((c) => {
    const room = c.req.param("room") ?? "";
    return {
      onOpen: (_event, member) => {
        const members = rooms.get(room) ?? new Set();
        rooms.set(room, members.add(member));
        say(room, `${members.size} here`);
      },
      onMessage: ({ data }) => say(room, typeof data === "string" ? data : "something that is no text"),
      onClose: (_event, member) => {
        const members = rooms.get(room);
        members?.delete(member);
        if (members?.size === 0) rooms.delete(room);
        else say(room, `${members?.size ?? 0} here`);
      },
    };
  }),
  (c) => c.text("this is a room: come by WebSocket\n", 426),
);
app.get("/rooms", (c) => c.json(Object.fromEntries([...rooms].map(([name, members]) => [name, members.size]))));

export default app;
