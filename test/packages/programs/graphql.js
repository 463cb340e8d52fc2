// A schema, asynchronous resolvers, validation errors, introspection.
import {
  buildSchema,
  graphql,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
  GraphQLList,
  GraphQLInt,
  parse,
  print,
  printSchema,
} from "graphql";

const Author = new GraphQLObjectType({
  name: "Author",
  fields: {
    name: { type: GraphQLString },
    books: { type: new GraphQLList(GraphQLString), resolve: async ({ name }) => [`${name} I`, `${name} II`] },
  },
});
const schema = new GraphQLSchema({
  query: new GraphQLObjectType({
    name: "Query",
    fields: {
      author: { type: Author, args: { name: { type: GraphQLString } }, resolve: async (_, { name }) => ({ name }) },
      fail: {
        type: GraphQLInt,
        resolve: () => {
          throw new Error("no number");
        },
      },
    },
  }),
});
console.log(printSchema(schema));
const show = async (source, variableValues) =>
  console.log(JSON.stringify(await graphql({ schema, source, variableValues })));
await show(
  `query Q($n: String!) { a: author(name: $n) { name books } b: author(name: "B") { ...F } } fragment F on Author { books }`,
  { n: "A" },
);
await show(`{ fail }`);
await show(`{ nothing }`);
await show(`{ author(name: 1) { `);
await show(`{ __schema { types { name kind } } }`);
console.log(print(parse(`query ($x: [Int!] = [1, 2]) @live { a(x: $x) { b @include(if: true) } }`)));
const built = buildSchema(`type Query { add(a: Int!, b: Int!): Int! }`);
console.log(
  JSON.stringify(
    await graphql({ schema: built, source: "{ add(a: 2, b: 3) }", rootValue: { add: ({ a, b }) => a + b } }),
  ),
);
