// Arithmetic and formats of dates.
import {
  add,
  addBusinessDays,
  differenceInCalendarDays,
  eachWeekOfInterval,
  endOfMonth,
  format,
  formatDistance,
  formatISO,
  getISOWeek,
  intervalToDuration,
  isValid,
  parse,
  parseISO,
  startOfWeek,
} from "date-fns";
import { de } from "date-fns/locale";

const day = new Date(2024, 1, 29, 13, 45, 30, 123);
console.log(format(day, "yyyy-MM-dd HH:mm:ss.SSS EEEE do MMMM, 'week' I, qqq"));
console.log(format(day, "PPPPpppp", { locale: de }).replace(/GMT.*/, ""));
console.log(format(add(day, { years: 1, months: 1, days: 3, hours: 30 }), "yyyy-MM-dd'T'HH:mm"));
for (let n = 0; n < 8; n++)
  console.log(format(addBusinessDays(day, n * 7), "EEE d MMM"), getISOWeek(addBusinessDays(day, n * 7)));
console.log(
  differenceInCalendarDays(new Date(2025, 0, 1), day),
  format(endOfMonth(day), "d"),
  format(startOfWeek(day, { weekStartsOn: 1 }), "d"),
);
console.log(
  formatDistance(new Date(2024, 1, 1), day, { addSuffix: true }),
  formatDistance(day, new Date(2025, 5, 1), { locale: de }),
);
console.log(JSON.stringify(intervalToDuration({ start: day, end: new Date(2026, 6, 4) })));
console.log(
  isValid(parse("31.02.2024", "dd.MM.yyyy", day)),
  formatISO(parse("5 March 2023", "d MMMM yyyy", day), { representation: "date" }),
  parseISO("2024-02-29T12:00:00Z").toISOString(),
);
console.log(
  eachWeekOfInterval({ start: day, end: new Date(2024, 4, 1) })
    .map((week) => format(week, "MM-dd"))
    .join(" "),
);
