throw new Error('never built');
