// Bundle each file of src/ into the folder that the service serves as /static.
import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const names = await readdir(here("src"));

await build({
  entryPoints: names.filter((name) => name.endsWith(".js")).map((name) => here(`src/${name}`)),
  outdir: here("../practicegraph/web/static/built"),
  bundle: true,
  format: "esm",
  legalComments: "linked",
  logLevel: "warning",
  minify: true,
  target: "es2020",
});
