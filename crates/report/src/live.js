// Fetches the sections again and swaps those that changed: no flicker, open tables stay open.
const main = document.getElementById("report");

function swap(html) {
  const next = new DOMParser().parseFromString(`<main>${html}</main>`, "text/html").querySelector("main");
  for (const fresh of [...next.children]) {
    const old = document.getElementById(fresh.id);
    if (!old) continue;
    for (const details of old.querySelectorAll("details[open]")) {
      fresh.querySelector(`details[data-key="${details.dataset.key}"]`)?.setAttribute("open", "");
    }
    if (old.outerHTML !== fresh.outerHTML) old.replaceWith(fresh);
  }
}

async function refresh() {
  try {
    const answer = await fetch(main.dataset.live, { cache: "no-store" });
    if (!answer.ok) throw new Error(await answer.text());
    swap(await answer.text());
    document.body.classList.remove("stale");
  } catch {
    document.body.classList.add("stale");
  }
  setTimeout(refresh, 5000);
}
setTimeout(refresh, 5000);
