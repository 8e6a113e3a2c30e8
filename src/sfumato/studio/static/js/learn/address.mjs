// The state in the address: #learn&s= and base64url of its deflated JSON.

const PART = "s=";

async function through(bytes, stream) {
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());
}

/** The address's part after #, for a state. */
export async function write(state) {
  const bytes = await through(new TextEncoder().encode(JSON.stringify(state)), new CompressionStream("deflate"));
  const text = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  return `#learn&${PART}${text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}

/** The state in an address, or null where it has none. */
export async function read(hash) {
  const part = hash.split("&").find((piece) => piece.startsWith(PART));
  if (!part) return null;
  try {
    const text = atob(part.slice(PART.length).replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(text, (sign) => sign.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(await through(bytes, new DecompressionStream("deflate"))));
  } catch {
    throw new Error("The address holds no playground that can be read: it may be cut off.");
  }
}

const VIEWS = { fault: "faults", digits: "digits" };

/** The view of the room that an address shows: "faults", "digits" or "playground". */
export function viewIn(hash) {
  const names = hash.split("&").map((piece) => piece.split("=")[0]);
  return VIEWS[names.find((name) => Object.hasOwn(VIEWS, name))] ?? "playground";
}
