// A program that cannot be compiled.
print("never printed");
let x = ;
