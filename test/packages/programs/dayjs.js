// Dates with plug-ins and locales: packages in the UMD format.
import dayjs from "dayjs";
import advanced from "dayjs/plugin/advancedFormat.js";
import custom from "dayjs/plugin/customParseFormat.js";
import duration from "dayjs/plugin/duration.js";
import relative from "dayjs/plugin/relativeTime.js";
import utc from "dayjs/plugin/utc.js";
import weekOfYear from "dayjs/plugin/weekOfYear.js";
import "dayjs/locale/de.js";

for (const plugin of [advanced, custom, duration, relative, utc, weekOfYear]) dayjs.extend(plugin);
const day = dayjs.utc("2024-02-29T13:45:30.123Z");
console.log(
  day.format("YYYY-MM-DD HH:mm:ss.SSS dddd Do Q w"),
  day.add(1, "year").format("L LT".length > 0 ? "DD.MM.YYYY" : ""),
);
console.log(
  day.locale("de").format("dddd, D. MMMM YYYY"),
  day.startOf("month").toISOString(),
  day.endOf("week").date(),
);
console.log(
  day.from(dayjs.utc("2024-03-05")),
  day.locale("de").to(dayjs.utc("2025-03-05")),
  day.diff("2023-01-01", "month", true).toFixed(3),
);
console.log(dayjs.duration({ hours: 30, minutes: 4 }).humanize(), dayjs.duration(93_784_000).toISOString());
console.log(dayjs("31/12/2023", "DD/MM/YYYY", true).isValid(), dayjs("99/99", "DD/MM", true).isValid());
for (let n = 0; n < 12; n++) console.log(day.month(n).daysInMonth(), day.isBefore(day.add(n, "hour")));
