// Makes editor.js and its packages into one file of the service, their licences beside it.
import { readFile, writeFile } from "node:fs/promises";
import { build } from "esbuild";

const target = new URL("../coprod_kg/web/static/", import.meta.url).pathname;
const { metafile } = await build({
  entryPoints: ["editor.js"],
  outfile: `${target}editor.js`,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  legalComments: "none",
  metafile: true,
  banner: { js: "/* Licences of what is in here: editor.licences.txt */" },
});
const names = Object.keys(metafile.inputs)
  .map((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1])
  .filter(Boolean);
const told = await Promise.all([...new Set(names)].sort().map(async (name) => {
  const { version, license } = JSON.parse(await readFile(`node_modules/${name}/package.json`, "utf8"));
  const text = await readFile(`node_modules/${name}/LICENSE`, "utf8");
  return `${name} ${version} (${license})\n\n${text.trim()}\n`;
}));
await writeFile(`${target}editor.licences.txt`, told.join(`\n${"-".repeat(72)}\n\n`));
