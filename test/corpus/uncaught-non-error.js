// A program that ends by throwing a value that is not an error.
print("start");
Promise.resolve().then(() => print("jobs still run"));
throw { toString() { return "an object thrown by " + ["a", "callback"].map((w) => w.toUpperCase()).join(" "); } };
