console.log('quiet runs');
