console.log('compiling 1 file');
console.error('server.js:7: the semicolon is missing');
process.exit(3);
