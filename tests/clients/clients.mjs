// Reads a task a line, as JSON, and writes its result a line: the RDF or SPARQL results as text, or an error.

import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";

import { QueryEngine } from "@comunica/query-sparql";
import { rdfDereferencer } from "rdf-dereference";

const FORMS = {
  bindings: "application/sparql-results+json",
  boolean: "application/sparql-results+json",
  quads: "application/n-quads",
};

const engine = new QueryEngine();

const written = async (result) =>
  text((await engine.resultToString(result, FORMS[result.resultType])).data);

const tasks = {
  query: async ({ query, sources }) => written(await engine.query(query, { sources })),
  dereference: async ({ address }) => {
    const { data } = await rdfDereferencer.dereference(address);
    return written({ resultType: "quads", execute: async () => data });
  },
};

const done = async ({ task, ...rest }) => {
  try {
    return { result: await tasks[task](rest) };
  } catch (error) {
    return { error: error.message };
  }
};

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await done(JSON.parse(line))));
}
