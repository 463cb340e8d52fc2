// Rendering on a server, to a string: components, hooks, context, errors.
import { createContext, createElement as h, Fragment, memo, useContext, useId, useMemo, useReducer } from "react";
import { renderToStaticMarkup, renderToString } from "react-dom/server";

const Theme = createContext("light");
const Row = memo(function Row({ n }) {
  const [sum] = useReducer((total, by) => total + by, n * 3);
  const text = useMemo(() => "x".repeat(n), [n]);
  return h(
    "tr",
    { className: useContext(Theme), id: useId() },
    h("td", { style: { fontSize: n, WebkitBoxFlex: 1 } }, sum),
    h("td", null, text, n % 2 === 0 && "<even> & 'q'"),
  );
});
function Table({ rows }) {
  return h(
    Theme.Provider,
    { value: "dark" },
    h(
      "table",
      null,
      h(
        "tbody",
        null,
        Array.from({ length: rows }, (_, n) => h(Row, { n, key: n })),
      ),
    ),
    h(
      Fragment,
      null,
      h("input", { defaultValue: 'a"b', disabled: true, readOnly: true }),
      h("div", { dangerouslySetInnerHTML: { __html: "<b>raw</b>" } }),
    ),
  );
}
console.log(renderToString(h(Table, { rows: 6 })));
console.log(renderToStaticMarkup(h(Table, { rows: 3 })));
try {
  renderToString(
    h(() => {
      throw new TypeError("broken component");
    }),
  );
} catch (error) {
  console.log(error.name, error.message);
}
