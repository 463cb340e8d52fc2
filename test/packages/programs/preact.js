// Rendering on a server: components, hooks, context, escaping, asynchronous components.
import { createContext, Fragment, h } from "preact";
import { useContext, useMemo, useState } from "preact/hooks";
import { render, renderToStringAsync } from "preact-render-to-string";
import { lazy, Suspense } from "preact/compat";

const Theme = createContext("light");
function Item({ n }) {
  const [count] = useState(n * 2);
  const square = useMemo(() => n * n, [n]);
  return h(
    "li",
    { class: useContext(Theme), "data-n": n, style: { color: "red", marginTop: n } },
    count,
    "/",
    square,
    n % 2 ? ' <odd> & "q"' : null,
  );
}
const App = ({ size }) =>
  h(
    Theme.Provider,
    { value: "dark" },
    h(
      Fragment,
      null,
      h("h1", { onClick() {} }, "Title"),
      h(
        "ul",
        null,
        Array.from({ length: size }, (_, n) => h(Item, { n, key: n })),
      ),
      h("input", { checked: true, disabled: false, value: "a<b" }),
    ),
  );
console.log(render(h(App, { size: 8 })));
console.log(render(h(App, { size: 2 }), {}, { pretty: true }));
const Late = lazy(async () => ({ default: ({ name }) => h("p", null, "late ", name) }));
console.log(await renderToStringAsync(h(Suspense, { fallback: h("i", null, "...") }, h(Late, { name: "one" }))));
