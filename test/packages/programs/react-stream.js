// Rendering to a web stream, with suspended parts.
import { createElement as h, Suspense, use } from "react";
import { renderToReadableStream } from "react-dom/server.edge";

const slow = new Promise((resolve) => setTimeout(() => resolve("arrived"), 5));
const Late = () => h("p", null, use(slow));
const App = () => h("main", null, h("h1", null, "now"), h(Suspense, { fallback: h("i", null, "waiting") }, h(Late)));
const stream = await renderToReadableStream(h(App));
await stream.allReady;
console.log(await new Response(stream).text());
