// Events.
import mitt from "mitt";

const emitter = mitt();
const seen = [];
emitter.on("*", (type, event) => seen.push(`${String(type)}:${JSON.stringify(event)}`));
const add = ({ n }) => seen.push(n);
emitter.on("add", add);
for (let n = 0; n < 300; n++) {
  emitter.emit("add", { n });
  if (n === 200) emitter.off("add", add);
  if (n % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
}
console.log(seen.length, seen.slice(-3).join(), emitter.all.size);
emitter.all.clear();
emitter.emit("add", 1);
console.log(seen.length);
