// Every sentence a user can read, in both languages.

const english = {
  model: 'Model',
  noModel: 'No model yet',
  newChat: 'New chat',
  settings: 'Settings',
  welcome: 'Ask the model something.',
  message: 'Message',
  hint: 'Write a message… (Enter sends, Shift+Enter starts a new line)',
  send: 'Send',
  stop: 'Stop',
  edit: 'Edit',
  sendAgain: 'Send again',
  proceed: 'Continue',
  proceedPrompt: 'continue',
  you: 'You',
  assistant: 'Assistant',
  thinking: 'Thinking',
  noText: 'The model gave no text.',
  copy: 'Copy',
  copied: 'Copied',
  key: 'API key',
  keyWanted: 'The service asks for an API key.',
  keyWhere: 'Kept in this browser only, and sent to this service only.',
  keyWrong: 'A key has only letters, digits and signs, without spaces.',
  cancel: 'Cancel',
  save: 'Save',
  waiting: 'Waiting for the answer…',
  answering: 'Answering…',
  tryingAgain: 'That did not work. Trying again…',
  second: 's',
  recovering: 'The service is recovering, please wait',
  busy: 'The service is busy. This message will be sent again by itself.',
  cut: 'The answer was interrupted.',
  stopped: 'Stopped.',
  unanswered: 'This message has no answer yet.',
  storageFull: 'This browser cannot keep the conversation: a reload will lose it.',
  modelMissing: 'There is no model to ask yet. Your text is still here.',
  needsKey: 'The service asks for an API key.',
  forbidden: 'This key may not do that.',
  notFound: 'The service does not know this model.',
  tooLarge: 'This message is too long for the service.',
  refused: 'The service did not accept this request.',
  broken: 'The page ran into a mistake of its own. Your text is still here.',
};

const chinese = {
  model: '模型',
  noModel: '暂无模型',
  newChat: '新对话',
  settings: '设置',
  welcome: '向模型提个问题吧。',
  message: '消息',
  hint: '输入消息…（Enter 发送，Shift+Enter 换行）',
  send: '发送',
  stop: '停止',
  edit: '修改',
  sendAgain: '重新发送',
  proceed: '继续',
  proceedPrompt: '继续',
  you: '你',
  assistant: '助手',
  thinking: '思考过程',
  noText: '模型没有给出文字。',
  copy: '复制',
  copied: '已复制',
  key: 'API 密钥',
  keyWanted: '服务需要 API 密钥。',
  keyWhere: '只保存在此浏览器中，也只发送给本服务。',
  keyWrong: '密钥只能包含字母、数字和符号，不能有空格。',
  cancel: '取消',
  save: '保存',
  waiting: '正在等待回答…',
  answering: '正在回答…',
  tryingAgain: '没有成功，正在重试…',
  second: '秒',
  recovering: '服务正在恢复,请稍候',
  busy: '服务繁忙，这条消息稍后会自动重新发送。',
  cut: '回答中断了。',
  stopped: '已停止。',
  unanswered: '这条消息还没有回答。',
  storageFull: '此浏览器无法保存对话，刷新页面后会丢失。',
  modelMissing: '还没有可用的模型。你输入的内容仍在这里。',
  needsKey: '服务需要 API 密钥。',
  forbidden: '此密钥没有权限。',
  notFound: '服务中没有这个模型。',
  tooLarge: '这条消息太长，服务无法接受。',
  refused: '服务没有接受这个请求。',
  broken: '页面自身出错了。你输入的内容仍在这里。',
};

const speaksChinese = /^zh\b/i.test(navigator.language);

export const texts = speaksChinese ? chinese : english;

// translate puts the user's language into what index.html says in English.
export function translate(document) {
  document.documentElement.lang = speaksChinese ? 'zh-Hans' : 'en';
  for (const node of document.querySelectorAll('[data-text]')) {
    node.textContent = texts[node.dataset.text];
  }
  for (const node of document.querySelectorAll('[data-hint]')) {
    node.placeholder = texts[node.dataset.hint];
  }
}
