// A file dropped on the box is chosen as if it had been picked; without this the field does.
"use strict";
const box = document.getElementById("drop");
const field = document.getElementById("file");
const chosen = document.getElementById("chosen");
const told = () => { chosen.textContent = field.files.length ? "" : "or drop it here"; };
for (const name of ["dragenter", "dragover"]) {
  box.addEventListener(name, (event) => { event.preventDefault(); box.classList.add("over"); });
}
for (const name of ["dragleave", "drop"]) {
  box.addEventListener(name, () => box.classList.remove("over"));
}
box.addEventListener("drop", (event) => {
  event.preventDefault();
  if (event.dataTransfer.files.length) { field.files = event.dataTransfer.files; told(); }
});
field.addEventListener("change", told);
told();

// What cannot be taken in without a token is told before the file is sent, so that it stays chosen.
const token = document.getElementById("token");
if (!token.required) {
  for (const way of document.getElementsByName("dry_run")) {
    way.addEventListener("change", () => { token.required = way.value === "0" && way.checked; });
  }
}
