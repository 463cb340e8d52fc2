// There is no Intl: locale methods fall back to the plain ones, and their conversions still call back.
print(typeof Intl, (1234.5).toLocaleString(), "ä".localeCompare("z") > 0, "I".toLocaleLowerCase("tr"), [1, { toLocaleString: () => "L" }].toLocaleString());
