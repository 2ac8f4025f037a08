const taken = [];
console.log('loading everything into memory');
// Buffers lie outside of the heap: the kernel ends this, not Node.js.
setInterval(() => taken.push(Buffer.alloc(32 * 1024 * 1024, 1)), 10);
