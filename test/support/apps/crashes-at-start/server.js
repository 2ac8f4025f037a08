console.log('looking up');
console.error('Error: cannot find the moon');
process.exit(42);
