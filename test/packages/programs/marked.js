// Markdown to HTML.
import { Marked, marked } from "marked";

const text = `# Title *em*

A paragraph with **bold**, \`code <b>\`, [a link](http://x.y "t") and ![img](i.png).
Line two  
after a break, ~~gone~~ and <https://auto.link>.

1. one
2. two
   - nested [x]
   - [ ] task
   - [x] done

> quote
> > deeper

| a | b |
|:--|--:|
| 1 | 2 \\| 3 |

\`\`\`js
const a = 1 < 2;
\`\`\`

<div>raw</div>

---
Setext
======
`;
console.log(marked.parse(text));
console.log(JSON.stringify(marked.lexer("- a\n- b *c*")));
const own = new Marked({
  async: true,
  renderer: { heading: ({ depth, text }) => `<H${depth}>${text}</H${depth}>\n` },
  walkTokens: async (token) => {
    if (token.type === "link") token.href = token.href.toUpperCase();
  },
});
console.log(await own.parse(text.repeat(3)));
