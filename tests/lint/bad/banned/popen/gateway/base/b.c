int b(void);
int b(void)
{
	return (int)popen (0);
}
