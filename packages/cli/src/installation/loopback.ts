/** Whether an address of a bus, `HOST:PORT`, is for programs of this host alone. */
export const isLoopback = (address: string): boolean => /^(?:127\.|localhost:|\[::1\])/.test(address);
