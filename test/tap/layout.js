// What overlaps, is cut, or makes the page wider than its window, in each frame of this page. Texts of pictures are
// compared as the (rotated) rectangles that they are. Writes a line for each frame into an element "measured".

function corners(text) {
	const box = text.getBBox(), matrix = text.getScreenCTM(), inset = 1.5;
	return [[box.x + inset, box.y + inset], [box.x + box.width - inset, box.y + inset], [box.x + box.width - inset, box.y + box.height - inset],
		[box.x + inset, box.y + box.height - inset]].map(([x, y]) => [matrix.a * x + matrix.c * y + matrix.e, matrix.b * x + matrix.d * y + matrix.f]);
}

// Two convex shapes are apart if a line along a side of one has all of the other beyond it.
function apart(one, other) {
	for (const shape of [one, other])
		for (let i = 0; i < shape.length; i++) {
			const [ax, ay] = shape[i], [bx, by] = shape[(i + 1) % shape.length], normal = [by - ay, ax - bx];
			const along = (points) => points.map(([x, y]) => x * normal[0] + y * normal[1]);
			const p = along(one), q = along(other);
			if (Math.max(...p) <= Math.min(...q) || Math.max(...q) <= Math.min(...p)) return true;
		}
	return false;
}

function measure(frame) {
	const page = frame.contentDocument, wrong = [];
	let count = 0;
	for (const svg of page.querySelectorAll('svg[role="img"]')) {
		const around = svg.getBoundingClientRect();
		if (around.width === 0) continue;
		const texts = [...svg.querySelectorAll("text")].filter((text) => [...text.childNodes].some((node) => node.nodeType === 3 || node.tagName === "tspan"))
			.map((text) => ({words: [...text.childNodes].filter((node) => node.tagName !== "title").map((node) => node.textContent).join(" "), at: corners(text)}))
			.filter((text) => text.words.trim() !== "");
		count += texts.length;
		texts.forEach((text, i) => {
			for (const other of texts.slice(i + 1)) if (!apart(text.at, other.at)) wrong.push(`${text.words} overlaps ${other.words}`);
			if (text.at.some(([x, y]) => x < around.left - 2 || x > around.right + 2 || y < around.top - 2 || y > around.bottom + 2)) wrong.push(`${text.words} is cut`);
		});
		if (around.right > page.documentElement.clientWidth + 1) wrong.push("a picture is wider than the page");
	}
	for (const element of page.querySelectorAll("h1, h2, p, dd, summary, figure"))
		if (element.offsetWidth > 0 && element.scrollWidth > element.clientWidth + 1) wrong.push(`${element.tagName} ${element.textContent.slice(0, 20)} is cut`);
	if (page.documentElement.scrollWidth > page.documentElement.clientWidth) wrong.push("the page is wider than its window");
	return `${frame.id}: ${count} texts, ${wrong.length ? wrong.slice(0, 12).join("; ") : "nothing wrong"}`;
}

addEventListener("load", () => {
	const measured = document.createElement("pre");
	measured.id = "measured";
	measured.textContent = [...document.querySelectorAll("iframe")].map(measure).join("\n");
	document.body.append(measured);
});
