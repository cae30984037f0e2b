// Before anything is painted: the look that was chosen here, else the system's.
let chosen = null;
try {
  chosen = localStorage.getItem("cutwork.theme");
} catch {
  // no storage: the system's look
}
document.documentElement.dataset.theme = chosen === "light" || chosen === "dark" ? chosen : matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
