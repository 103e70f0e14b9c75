int b(void);
int b(void)
{
	return (int)strtok (0);
}
