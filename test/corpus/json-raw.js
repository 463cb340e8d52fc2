// JSON.rawJSON, and the context argument of revivers, where the engine has them.
print(JSON.stringify({ big: JSON.rawJSON("12345678901234567890"), t: JSON.rawJSON('"x"') }), JSON.isRawJSON(JSON.rawJSON("1")), JSON.isRawJSON({}));
try { JSON.rawJSON("{}"); } catch (e) { print(e.name); }
print(JSON.stringify(JSON.parse("[1.0, 2]", function (k, v, context) { return typeof context + ":" + (context && context.source); })));
